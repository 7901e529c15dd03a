//! The pickle machine on hand-made pickles.

use super::super::Fault;
use super::super::pickle;
use super::super::values::Value;

#[test]
fn pickles_that_are_damaged_or_endless_end_in_a_fault() {
    let fault = |bytes: &[u8]| match pickle::run(bytes) {
        Ok((value, _)) => panic!("{value:?}"),
        Err(fault) => fault.to_string(),
    };
    for (bytes, sentence) in [
        (&b""[..], "at byte 0 (it is not a pickle)"),
        (b"\x80\x09.", "protocol is unknown"),
        (b"\x80\x02", "ends too early"),
        (b"\x80\x02.", "a value is missing"),
        (b"\x80\x02K\x01(.", "a value is missing"),
        (b"\x80\x02K\x01(\x85.", "a value is missing"),
        (b"\x80\x02u.", "a mark is missing"),
        (b"\x80\x02h\x07.", "a value that isn't there"),
        (b"\x80\x02}(K\x01u.", "a key has no value"),
        (b"\x80\x02K\x01K\x02a.", "appended to what is no list"),
        (b"\x80\x02cos", "a name doesn't end"),
        (b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff", "ends too early"),
        (b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.", "a tensor's description is not one"),
        (b"\x80\x02K\x01)R.", "called that can't be"),
        (b"\x80\x02I1\n.", "has instruction 0x49 at byte 2"),
    ] {
        let found = fault(bytes);
        assert!(found.contains(sentence), "{found}");
    }
    let mut endless = b"\x80\x02".to_vec();
    endless.resize(5 << 20, b'(');
    assert!(matches!(pickle::run(&endless), Err(Fault::TooLong)));
}

#[test]
fn deep_and_circular_values_cost_no_recursion() {
    let mut deep = b"\x80\x02)".to_vec();
    deep.resize(1 << 20, 0x85);
    deep.push(b'.');
    assert!(matches!(pickle::run(&deep), Ok((Value::Tuple(_), _))));
    let circle = b"\x80\x02}q\x00X\x05\x00\x00\x00modelh\x00s.";
    assert!(matches!(pickle::run(circle), Ok((Value::Dict(0), _))));
}

#[test]
fn whole_numbers_are_read_in_twos_complement() {
    for (bytes, number) in [
        (&b"\x80\x02\x8a\x00."[..], 0),
        (b"\x80\x02\x8a\x01\xff.", -1),
        (b"\x80\x02\x8a\x02\xff\x00.", 255),
        (b"\x80\x02\x8b\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x80.", i64::MIN),
        (b"\x80\x02J\xfe\xff\xff\xff.", -2),
        (b"\x80\x02M\xfe\xff.", 65_534),
    ] {
        assert!(matches!(pickle::run(bytes), Ok((Value::Int(found), _)) if found == number), "{number}");
    }
    let wide = b"\x80\x02\x8a\x09\x00\x00\x00\x00\x00\x00\x00\x00\x01.";
    assert!(matches!(pickle::run(wide), Ok((Value::Plain, _))));
}
