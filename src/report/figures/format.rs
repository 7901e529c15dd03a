//! Numbers as text, with fixed digits so that they line up.

use super::Estimate;

/// What stands where a number is undefined.
pub(super) const UNDEFINED: &str = "undefined";
/// The same where a word has no room.
pub(super) const NONE: &str = "–";

/// A number between -1 and 1 as papers print it, without the leading zero: ".833", "−.012", "1.000".
pub(super) fn unit(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    let text = format!("{:.digits$}", value.abs());
    let nought = text.chars().all(|character| matches!(character, '0' | '.'));
    let sign = if value < 0.0 && !nought { "−" } else { "" };
    match text.strip_prefix("0.") {
        Some(decimals) => format!("{sign}.{decimals}"),
        None => format!("{sign}{text}"),
    }
}

/// [`unit()`] with a sign that is always written: "+.012".
pub(super) fn signed(value: f64, digits: usize) -> String {
    let text = unit(value, digits);
    if value > 0.0 && value.is_finite() { format!("+{text}") } else { text }
}

/// ".833", or "–" for none.
pub(super) fn optional(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| unit(value, digits))
}

/// ".833 (.825–.841)"; "undefined" for none. `number` writes each of the numbers.
pub(super) fn estimate(estimate: &Estimate, number: impl Fn(f64) -> String) -> String {
    match (estimate.value, estimate.interval) {
        (None, _) => UNDEFINED.to_owned(),
        (Some(value), None) => number(value),
        (Some(value), Some([low, high])) => {
            let (low, high) = (number(low), number(high));
            // An en dash beside a sign is misread.
            let signed = [&low, &high].iter().any(|end| end.starts_with(['+', '−']));
            let between = if signed { " to " } else { "–" };
            format!("{} ({low}{between}{high})", number(value))
        }
    }
}

/// "22,433".
pub(super) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The share `part / whole`, 0 to 1; none where there is nothing to share.
pub(super) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// "12.3 %"; "–" for none.
pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| NONE.to_owned(), |share| format!("{:.1} %", 100.0 * share))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lose_their_leading_zero_only() {
        assert_eq!(unit(0.8333, 3), ".833");
        assert_eq!(unit(1.0, 3), "1.000");
        assert_eq!(unit(0.9999, 3), "1.000");
        assert_eq!(unit(-0.012, 3), "−.012");
        assert_eq!(unit(-0.00001, 3), ".000");
        assert_eq!(unit(f64::NAN, 3), "–");
        assert_eq!(signed(0.02, 2), "+.02");
    }

    #[test]
    fn an_estimate_is_written_with_its_interval() {
        let number = |value| unit(value, 3);
        let full = Estimate { value: Some(0.833), interval: Some([0.825, 0.841]) };
        assert_eq!(estimate(&full, number), ".833 (.825–.841)");
        let negative = Estimate { value: Some(-0.01), interval: Some([-0.02, 0.0]) };
        assert_eq!(estimate(&negative, number), "−.010 (−.020 to .000)");
        assert_eq!(estimate(&Estimate { value: None, interval: None }, number), "undefined");
    }

    #[test]
    fn counts_have_groups_of_three() {
        assert_eq!(["0", "999", "1,000", "22,433", "1,234,567"], [0, 999, 1000, 22433, 1_234_567].map(count));
        assert_eq!(percent(share(1, 8)), "12.5 %");
        assert_eq!(percent(share(1, 0)), "–");
    }
}
