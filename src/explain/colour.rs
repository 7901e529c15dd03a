//! Colours of maps. All but the last are even to the eye from one end to the other and read in grey as well.

/// A scale of colours.
pub struct ColourMap {
    /// As typed and shown.
    pub name: &'static str,
    /// Whether its middle means nothing and its ends opposite things.
    pub diverging: bool,
    gradient: colorous::Gradient,
}

/// Every scale: those for maps of one sign, and those for signed ones.
pub const COLOUR_MAPS: &[ColourMap] = &[
    ColourMap { name: "inferno", diverging: false, gradient: colorous::INFERNO },
    ColourMap { name: "viridis", diverging: false, gradient: colorous::VIRIDIS },
    ColourMap { name: "magma", diverging: false, gradient: colorous::MAGMA },
    ColourMap { name: "cividis", diverging: false, gradient: colorous::CIVIDIS },
    ColourMap { name: "turbo", diverging: false, gradient: colorous::TURBO },
];

/// For signed maps: blue against, red for.
pub const SIGNED: ColourMap = ColourMap { name: "blue-red", diverging: true, gradient: colorous::RED_BLUE };

impl ColourMap {
    /// The scale of this name.
    ///
    /// # Errors
    /// A sentence that names those there are.
    pub fn find(name: &str) -> Result<&'static Self, String> {
        COLOUR_MAPS.iter().find(|map| map.name == name).ok_or_else(|| {
            let names: Vec<&str> = COLOUR_MAPS.iter().map(|map| map.name).collect();
            format!("there are {}", names.join(", "))
        })
    }

    /// The colour of a value: 0 to 1, of a diverging scale -1 to 1.
    pub fn colour(&self, value: f32) -> [u8; 3] {
        // d3's red-blue scale begins with red.
        let place = if self.diverging { 0.5 - f64::from(value) / 2.0 } else { f64::from(value) };
        let colour = self.gradient.eval_continuous(place.clamp(0.0, 1.0));
        [colour.r, colour.g, colour.b]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_go_from_dark_to_bright_and_red_speaks_for() {
        let light = |[r, g, b]: [u8; 3]| 0.299 * f32::from(r) + 0.587 * f32::from(g) + 0.114 * f32::from(b);
        for map in COLOUR_MAPS.iter().filter(|map| map.name != "turbo") {
            let shades: Vec<f32> = (0..=10).map(|n| light(map.colour(n as f32 / 10.0))).collect();
            assert!(shades.windows(2).all(|pair| pair[0] < pair[1]), "{}: {shades:?}", map.name);
        }
        let [r, _, b] = SIGNED.colour(1.0);
        assert!(r > 90 && b < 50, "{r} {b}");
        assert!(ColourMap::find("jet").is_err_and(|said| said.contains("viridis")));
    }
}
