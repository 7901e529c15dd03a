//! Which conditions an image has: ChestMNIST's label frequencies and co-occurrence in a small table.
//!
//! The training split of ChestMNIST has 78,468 label rows of 682 kinds. The kinds seen at least twelve times,
//! 98.1% of the rows, are kept here with their counts: drawing a kind by its count reproduces their joint
//! distribution exactly, "no finding" (54.0%) among them. A row of the rare kinds, 1.9%, is drawn condition
//! by condition with the frequencies that the conditions have among those rows, so that each condition's
//! total frequency is exact too (hernia's .18% included) and only the rare combinations are approximate.

use super::draw::Draw;

/// Conditions of a label row (ChestX-ray14's, in the order of [`LabelSet::chest_xray_14`]).
///
/// [`LabelSet::chest_xray_14`]: crate::dataset::labels::LabelSet::chest_xray_14
pub(super) const CONDITIONS: usize = 14;

/// Label rows counted: ChestMNIST's training split.
const ROWS: u32 = 78_468;

/// Rows of kinds that are not in [`KINDS`].
const RARE_ROWS: u32 = 1_458;

/// How many of the rare rows have each condition.
const RARE_COUNTS: [u32; CONDITIONS] = [521, 281, 654, 662, 499, 443, 205, 389, 483, 220, 294, 258, 446, 47];

/// Kinds of label rows and how often each was counted; bit `c` of a kind is condition `c`.
#[rustfmt::skip]
const KINDS: [(u16, u32); 166] = [
    (0x0000, 42405), (0x0008, 6663), (0x0001, 2942), (0x0004, 2730), (0x0020, 1883), (0x0080, 1552),
    (0x0010, 1481), (0x000c, 1129), (0x0009, 958), (0x0100, 952), (0x0005, 807), (0x1000, 759),
    (0x0002, 754), (0x0400, 635), (0x0028, 580), (0x000d, 502), (0x0800, 491), (0x0200, 479), (0x0006, 324),
    (0x0018, 314), (0x0108, 311), (0x0208, 289), (0x0084, 279), (0x0030, 277), (0x0014, 274), (0x0101, 252),
    (0x0480, 242), (0x0104, 237), (0x0088, 220), (0x0040, 210), (0x0024, 188), (0x1004, 174), (0x0081, 160),
    (0x1008, 148), (0x000a, 143), (0x0021, 143), (0x0204, 138), (0x0105, 134), (0x0048, 133), (0x0808, 126),
    (0x0090, 122), (0x0011, 114), (0x0110, 113), (0x0248, 104), (0x020c, 96), (0x1020, 94), (0x00a0, 92),
    (0x000e, 90), (0x010c, 90), (0x0401, 89), (0x1010, 83), (0x0408, 81), (0x002c, 80), (0x0120, 78),
    (0x1001, 77), (0x0041, 76), (0x0404, 76), (0x0801, 76), (0x008c, 74), (0x0109, 74), (0x001c, 71),
    (0x2000, 71), (0x0003, 64), (0x0085, 63), (0x0240, 55), (0x0089, 53), (0x0488, 53), (0x0015, 52),
    (0x0820, 48), (0x0019, 46), (0x1080, 46), (0x0114, 45), (0x0007, 44), (0x1800, 44), (0x0044, 43),
    (0x0410, 43), (0x100c, 43), (0x010d, 42), (0x000f, 41), (0x0029, 40), (0x0038, 40), (0x0034, 38),
    (0x0481, 38), (0x0180, 37), (0x0804, 37), (0x0201, 36), (0x0484, 36), (0x0300, 35), (0x0102, 32),
    (0x1400, 32), (0x0118, 31), (0x0409, 31), (0x004c, 30), (0x0209, 29), (0x1005, 29), (0x1100, 29),
    (0x1009, 28), (0x100d, 28), (0x001d, 27), (0x008d, 27), (0x0810, 27), (0x0128, 26), (0x1014, 26),
    (0x1084, 26), (0x0025, 25), (0x0049, 25), (0x0115, 25), (0x1024, 25), (0x000b, 24), (0x0489, 24),
    (0x0124, 23), (0x0228, 23), (0x0202, 22), (0x0420, 22), (0x0022, 21), (0x0106, 21), (0x0140, 21),
    (0x1006, 21), (0x0111, 20), (0x0405, 20), (0x0031, 19), (0x00a8, 19), (0x020d, 19), (0x1018, 19),
    (0x1028, 19), (0x0188, 18), (0x0244, 18), (0x0880, 18), (0x1030, 18), (0x0045, 17), (0x0094, 17),
    (0x0181, 17), (0x0184, 17), (0x024c, 17), (0x0900, 17), (0x0490, 16), (0x0809, 16), (0x003c, 15),
    (0x0121, 15), (0x0130, 15), (0x0206, 15), (0x0218, 15), (0x0220, 15), (0x0308, 15), (0x040c, 15),
    (0x0205, 14), (0x0402, 14), (0x0500, 14), (0x1002, 14), (0x2008, 14), (0x0016, 13), (0x002d, 13),
    (0x00a4, 13), (0x101c, 13), (0x102c, 13), (0x1088, 13), (0x0012, 12), (0x004d, 12), (0x0135, 12),
    (0x0141, 12), (0x0210, 12), (0x0214, 12), (0x0485, 12), (0x0600, 12), (0x1090, 12), (0x2001, 12),
];

/// One label row, `CONDITIONS` values of 0 or 1.
pub(super) fn labels(draw: &mut Draw) -> [u8; CONDITIONS] {
    let mut row = draw.pick(ROWS as usize) as u32;
    for (kind, count) in KINDS {
        if row < count {
            return std::array::from_fn(|condition| (kind >> condition & 1) as u8);
        }
        row -= count;
    }
    RARE_COUNTS.map(|count| u8::from(draw.pick(RARE_ROWS as usize) < count as usize))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::phantom::draw::Topic;

    const SAMPLES: usize = 50_000;

    /// ChestMNIST's training counts.
    const COUNTS: [u32; CONDITIONS] =
        [7996, 1950, 9261, 13914, 3988, 4375, 978, 3705, 3263, 1690, 1799, 1158, 2279, 144];

    fn sample() -> Vec<[u8; CONDITIONS]> {
        (0..SAMPLES as u64).map(|index| labels(&mut Draw::new(7, index, Topic::Labels))).collect()
    }

    /// A count of `SAMPLES` draws within four standard errors of its expectation.
    fn assert_close(what: &str, count: usize, share: f64) {
        let expected = share * SAMPLES as f64;
        let error = (expected * (1.0 - share)).sqrt();
        assert!((count as f64 - expected).abs() < 4.0 * error, "{what}: {count}, not {expected:.0}");
    }

    #[test]
    fn the_table_counts_every_row_of_the_training_split() {
        assert_eq!(KINDS.iter().map(|(_, count)| count).sum::<u32>() + RARE_ROWS, ROWS);
        for (condition, expected) in COUNTS.iter().enumerate() {
            let tabled = KINDS.iter().filter(|(kind, _)| kind >> condition & 1 == 1);
            assert_eq!(tabled.map(|(_, count)| count).sum::<u32>() + RARE_COUNTS[condition], *expected);
        }
    }

    #[test]
    fn sampled_rows_have_chestmnists_frequencies() {
        let rows = sample();
        for (condition, count) in COUNTS.iter().enumerate() {
            let seen = rows.iter().filter(|row| row[condition] == 1).count();
            assert_close(&format!("condition {condition}"), seen, f64::from(*count) / f64::from(ROWS));
        }
        let normal = rows.iter().filter(|row| row.iter().all(|label| *label == 0)).count();
        assert_close("no finding", normal, 42_405.0 / f64::from(ROWS));
    }

    #[test]
    fn conditions_come_together_as_often_as_in_chestmnist() {
        // Pairs (a, b) and the rows of the training split that have both: the most frequent pairs and those
        // most above chance.
        let pairs = [
            (2, 3, 2801.0),
            (0, 3, 2281.0),
            (0, 2, 2226.0),
            (2, 8, 896.0),
            (1, 2, 741.0),
            (3, 9, 726.0),
            (4, 5, 605.0),
            (7, 10, 539.0),
            (6, 9, 246.0),
            (11, 12, 113.0),
        ];
        let rows = sample();
        for (a, b, count) in pairs {
            let seen = rows.iter().filter(|row| row[a] == 1 && row[b] == 1).count();
            // The rare rows' pairs are approximate: a tenth more room.
            let (share, seen) = (count / f64::from(ROWS), seen as f64);
            let expected = share * SAMPLES as f64;
            let room = 4.0 * expected.sqrt() + 0.1 * expected;
            assert!((seen - expected).abs() < room, "{a} with {b}: {seen}, not {expected:.0}");
            let by_chance = f64::from(COUNTS[a]) * f64::from(COUNTS[b]) / f64::from(ROWS).powi(2);
            assert!(seen > 1.2 * by_chance * SAMPLES as f64, "{a} with {b} no more than by chance");
        }
    }
}
