//! The restricted pickle machine: it builds descriptions of tensors and nothing else.
//!
//! Instructions: CPython's `Lib/pickletools.py`. Nothing from the file is ever looked up, imported or
//! executed. The few names that torch.save uses for a state dict are built in; any other becomes an
//! opaque value, and calling or filling an opaque value gives an opaque value. So a checkpoint can be read even
//! when other objects lie beside its tensors; a request for one of those gives nothing.

use std::collections::HashMap;

use super::error::Fault;
use super::values::{Heap, Value, global};

/// Most instructions that are carried out, which bounds the stack, the memo and all tables: a ResNet-152
/// takes 31,570.
const MOST_STEPS: usize = 4 << 20;
/// Protocols of `torch.save(pickle_protocol=…)`.
const PROTOCOLS: std::ops::RangeInclusive<u8> = 2..=5;

/// Carries out a pickle; gives the value it ends with and what that refers to.
pub(super) fn run(bytes: &[u8]) -> Result<(Value<'_>, Heap<'_>), Fault> {
    run_from(bytes, 0).map(|(value, heap, _)| (value, heap))
}

/// Carries out the pickle that begins at `at`; gives the place behind it as well.
pub(super) fn run_from(bytes: &[u8], at: usize) -> Result<(Value<'_>, Heap<'_>, usize), Fault> {
    let mut machine = Machine { bytes, at, ..Machine::default() };
    if bytes.get(at) != Some(&0x80) {
        return Err(machine.damaged("it is not a pickle"));
    }
    for _ in 0..MOST_STEPS {
        if let Some(value) = machine.step()? {
            return Ok((value, machine.heap, machine.at));
        }
    }
    Err(Fault::TooLong)
}

#[derive(Default)]
struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Value<'a>>,
    /// Heights of the stack at which a group of values begins.
    marks: Vec<usize>,
    memo: HashMap<u32, Value<'a>>,
    heap: Heap<'a>,
}

impl<'a> Machine<'a> {
    /// Carries out one instruction; gives the result once there is one.
    fn step(&mut self) -> Result<Option<Value<'a>>, Fault> {
        let at = self.at;
        match self.u8()? {
            b'.' => return self.pop().map(Some), // STOP
            // PROTO
            0x80 => match self.u8()? {
                protocol if PROTOCOLS.contains(&protocol) => {}
                _ => return Err(self.damaged("its protocol is unknown")),
            },
            0x95 => drop(self.take(8)?), // FRAME, only a hint for buffering
            // BINPUT, LONG_BINPUT, MEMOIZE
            b'q' => {
                let key = self.u8()?.into();
                self.remember(key)?;
            }
            b'r' => {
                let key = u32::from_le_bytes(self.array()?);
                self.remember(key)?;
            }
            0x94 => self.remember(self.memo.len() as u32)?, // fits: at most MOST_STEPS

            b'(' => self.marks.push(self.stack.len()), // MARK
            b'0' => drop(self.pop()?),                 // POP
            b'1' => drop(self.pop_group()?),           // POP_MARK
            // APPEND, APPENDS
            b'a' => {
                let item = self.pop()?;
                self.append(vec![item])?;
            }
            b'e' => {
                let items = self.pop_group()?;
                self.append(items)?;
            }
            // SETITEM, SETITEMS
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set_items(&[key, value])?;
            }
            b'u' => {
                let pairs = self.pop_group()?;
                self.set_items(&pairs)?;
            }
            0x90 => drop(self.pop_group()?), // ADDITEMS of a set
            // BUILD with an object's state: of an OrderedDict `_metadata`, of opaque ones nothing we'd keep.
            b'b' => drop((self.pop()?, self.top()?)),
            opcode => {
                let value = self.value(at, opcode)?;
                self.stack.push(value);
            }
        }
        Ok(None)
    }

    /// What an instruction puts onto the stack.
    fn value(&mut self, at: usize, opcode: u8) -> Result<Value<'a>, Fault> {
        Ok(match opcode {
            b'N' | 0x88 | 0x89 => Value::Plain, // NONE, NEWTRUE, NEWFALSE
            // BININT1, BININT2, BININT, LONG1, LONG4, BINFLOAT
            b'K' => Value::Int(self.u8()?.into()),
            b'M' => Value::Int(u16::from_le_bytes(self.array()?).into()),
            b'J' => Value::Int(i32::from_le_bytes(self.array()?).into()),
            0x8a => self.length_8().and_then(|length| self.long(length))?,
            0x8b => self.length_32().and_then(|length| self.long(length))?,
            b'G' => self.take(8).map(|_| Value::Plain)?,
            // BINUNICODE, SHORT_BINUNICODE, BINUNICODE8, and Python 2's BINSTRING and SHORT_BINSTRING
            b'X' | b'T' => self.length_32().and_then(|length| self.text(length))?,
            0x8c | b'U' => self.length_8().and_then(|length| self.text(length))?,
            0x8d => self.length_64().and_then(|length| self.text(length))?,
            // BINBYTES, SHORT_BINBYTES, BINBYTES8, BYTEARRAY8
            b'B' => self.length_32().and_then(|length| self.binary(length))?,
            b'C' => self.length_8().and_then(|length| self.binary(length))?,
            0x8e | 0x96 => self.length_64().and_then(|length| self.binary(length))?,

            // EMPTY_TUPLE, TUPLE1 to TUPLE3, TUPLE
            b')' => self.heap.tuple(Vec::new()),
            0x85..=0x87 => {
                let items = self.pop_many(usize::from(opcode - 0x84))?;
                self.heap.tuple(items)
            }
            b't' => {
                let items = self.pop_group()?;
                self.heap.tuple(items)
            }
            b']' => self.heap.list(),
            b'}' => self.heap.dict(),
            0x8f => Value::Opaque("set"),
            0x91 => self.pop_group().map(|_| Value::Opaque("frozenset"))?,

            // BINGET, LONG_BINGET
            b'h' => self.u8().and_then(|key| self.recall(key.into()))?,
            b'j' => self.array().and_then(|key| self.recall(u32::from_le_bytes(key)))?,

            // GLOBAL, STACK_GLOBAL
            b'c' => global(self.line()?, self.line()?),
            0x93 => match (self.pop()?, self.pop()?) {
                (Value::Text(name), Value::Text(module)) => global(module, name),
                _ => return Err(self.damaged("a name is not a text")),
            },
            // REDUCE, NEWOBJ, NEWOBJ_EX
            b'R' | 0x81 | 0x92 => {
                if opcode == 0x92 {
                    self.pop()?; // named arguments
                }
                let (arguments, callee) = (self.pop()?, self.pop()?);
                self.heap.call(callee, arguments).map_err(|why| self.damaged(why))?
            }
            // BINPERSID
            b'Q' => {
                let id = self.pop()?;
                self.heap.persistent(id)
            }
            opcode => return Err(Fault::Opcode { at, opcode }),
        })
    }

    /// Adds to the list on top.
    fn append(&mut self, items: Vec<Value<'a>>) -> Result<(), Fault> {
        match self.top()? {
            Value::List(list) => self.heap.sequences[list].extend(items),
            Value::Opaque(_) => {}
            _ => return Err(self.damaged("a value is appended to what is no list")),
        }
        Ok(())
    }

    /// Adds keys and values, which alternate, to the dict on top.
    fn set_items(&mut self, pairs: &[Value<'a>]) -> Result<(), Fault> {
        let (pairs, []) = pairs.as_chunks() else { return Err(self.damaged("a key has no value")) };
        match self.top()? {
            Value::Dict(dict) => self.heap.dicts[dict].extend(pairs.iter().map(|&[key, value]| (key, value))),
            Value::Opaque(_) => {}
            _ => return Err(self.damaged("a key is set in what is no dict")),
        }
        Ok(())
    }

    fn remember(&mut self, key: u32) -> Result<(), Fault> {
        let value = self.top()?;
        self.memo.insert(key, value);
        Ok(())
    }

    fn recall(&self, key: u32) -> Result<Value<'a>, Fault> {
        self.memo.get(&key).copied().ok_or_else(|| self.damaged("it refers to a value that isn't there"))
    }

    /// Values of the present group: what lies above the last mark.
    fn group(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<Value<'a>, Fault> {
        self.stack[self.group()..].last().copied().ok_or_else(|| self.damaged("a value is missing"))
    }

    fn pop(&mut self) -> Result<Value<'a>, Fault> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Value<'a>>, Fault> {
        match self.stack.len().checked_sub(count) {
            Some(from) if from >= self.group() => Ok(self.stack.split_off(from)),
            _ => Err(self.damaged("a value is missing")),
        }
    }

    /// Takes the values above the last mark, and the mark.
    fn pop_group(&mut self) -> Result<Vec<Value<'a>>, Fault> {
        // A mark is never above the stack: `pop` and `pop_many` don't reach below it.
        let from = self.marks.pop().ok_or_else(|| self.damaged("a mark is missing"))?;
        Ok(self.stack.split_off(from))
    }

    /// A whole number of `length` bytes in two's complement; what i64 can't hold counts nothing here.
    fn long(&mut self, length: usize) -> Result<Value<'a>, Fault> {
        let bytes = self.take(length)?;
        let negative = bytes.last().is_some_and(|last| last & 0x80 != 0);
        let mut wide = [if negative { 0xff } else { 0 }; 8];
        let Some(start) = wide.get_mut(..length) else { return Ok(Value::Plain) };
        start.copy_from_slice(bytes);
        Ok(Value::Int(i64::from_le_bytes(wide)))
    }

    /// Python writes lone surrogates too, which no name of a tensor has.
    fn text(&mut self, length: usize) -> Result<Value<'a>, Fault> {
        let bytes = self.take(length)?;
        Ok(str::from_utf8(bytes).map_or(Value::Plain, Value::Text))
    }

    fn binary(&mut self, length: usize) -> Result<Value<'a>, Fault> {
        self.take(length).map(|_| Value::Plain)
    }

    /// A name up to the end of its line.
    fn line(&mut self) -> Result<&'a str, Fault> {
        let rest = &self.bytes[self.at..]; // `at` never exceeds the length
        let length = rest.iter().position(|byte| *byte == b'\n');
        let length = length.ok_or_else(|| self.damaged("a name doesn't end"))?;
        let line = str::from_utf8(&rest[..length]).map_err(|_| self.damaged("a name is not a text"))?;
        self.at += length + 1;
        Ok(line)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let taken = self.bytes[self.at..].get(..length).ok_or_else(|| self.damaged("it ends too early"))?;
        self.at += length;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn u8(&mut self) -> Result<u8, Fault> {
        self.array().map(|[byte]| byte)
    }

    fn length_8(&mut self) -> Result<usize, Fault> {
        self.u8().map(usize::from)
    }

    fn length_32(&mut self) -> Result<usize, Fault> {
        self.array().map(|bytes| saturating(u32::from_le_bytes(bytes).into()))
    }

    fn length_64(&mut self) -> Result<usize, Fault> {
        self.array().map(|bytes| saturating(u64::from_le_bytes(bytes)))
    }

    fn damaged(&self, why: &'static str) -> Fault {
        Fault::Pickle { at: self.at, why }
    }
}

/// A length as this machine counts; what it can't count is more than any pickle has.
fn saturating(length: u64) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}
