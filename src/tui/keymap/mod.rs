//! Keys: `key` is a key, `mode` where keys go, `table` the one table of what each key does.

pub mod key;
pub mod mode;
pub mod table;

pub use mode::Mode;
pub use table::{Binding, action, all, bar, bind, bindings, commands, keys, markdown};

#[cfg(test)]
mod tests;
