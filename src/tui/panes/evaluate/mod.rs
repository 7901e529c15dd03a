pub fn render(_: &crate::tui::app::App, _: ratatui::layout::Rect, _: &mut crate::tui::canvas::Canvas) {}
