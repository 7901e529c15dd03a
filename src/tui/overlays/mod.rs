//! Dialogs over a screen: help, command palette, questions, the form of settings, the learning-rate finder.

pub mod form;
pub mod help;
pub mod keys;
pub mod palette;
pub mod question;
pub mod rates;
