//! Keys: `key` is a key, `mode` where keys go, `table` the one table of what each key does.

pub mod binding;
pub mod key;
pub mod mode;
pub mod table;

pub use binding::{Binding, bind};
pub use mode::Mode;
pub use table::{BarEntry, action, all, bar, bindings, commands, key_of, keys, markdown};

#[cfg(test)]
mod tests;
