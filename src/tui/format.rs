//! Numbers as the workbench writes them: fixed digits, `–` for undefined values.

pub use crate::text::rate;

/// The sign for an undefined value.
pub const NONE: &str = "–";

/// A number with fixed digits and no zero before the point: `.774`, `1.203`.
pub fn fixed(value: Option<f64>, digits: usize) -> String {
    match value {
        Some(value) if value.is_finite() => {
            let text = format!("{value:.digits$}");
            match text.strip_prefix("0.") {
                Some(tail) => format!(".{tail}"),
                None => match text.strip_prefix("-0.") {
                    Some(tail) => format!("−.{tail}"),
                    None => text,
                },
            }
        }
        _ => NONE.to_owned(),
    }
}

/// A change with its sign: `+.0019`, `−.0004`.
pub fn change(value: f64, digits: usize) -> String {
    let text = fixed(Some(value.abs()), digits);
    if value < 0.0 { format!("−{text}") } else { format!("+{text}") }
}

/// A share in whole per cent.
pub fn percent(share: f64) -> String {
    format!("{:.0}%", (100.0 * share).clamp(0.0, 100.0))
}

/// A count of things with its thousands parted.
pub fn count(number: usize) -> String {
    crate::text::thousands(number as u64)
}

/// Parameters of a network: `11.2 M`, `620 k`.
pub fn parameters(count: usize) -> String {
    match count {
        0..1000 => count.to_string(),
        1000..1_000_000 => format!("{:.0} k", count as f64 / 1e3),
        _ => format!("{:.1} M", count as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_have_no_zero_before_the_point() {
        assert_eq!(fixed(Some(0.774), 3), ".774");
        assert_eq!(fixed(Some(1.0), 3), "1.000");
        assert_eq!(fixed(Some(-0.25), 2), "−.25");
        assert_eq!(fixed(None, 3), "–");
        assert_eq!(fixed(Some(f64::NAN), 3), "–");
    }

    #[test]
    fn learning_rates_read_as_people_type_them() {
        assert_eq!(
            [3e-4, 1.5e-4, 1e-5, 0.0, 1.0, 0.02].map(rate),
            ["3e-4", "1.5e-4", "1e-5", "0", "1", "2e-2"]
        );
    }

    #[test]
    fn changes_carry_their_sign() {
        assert_eq!([change(0.0019, 4), change(-0.0004, 4)], ["+.0019", "−.0004"]);
    }
}
