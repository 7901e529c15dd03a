//! Sheets of images with attribution maps.

use anyhow::Result;

use chestxr_tui::dataset::labels::LabelSet;
use chestxr_tui::dataset::phantom::Bounds;
use chestxr_tui::explain::signed;
use chestxr_tui::explain::{COLOUR_MAPS, Map, Method, Overlay, Request, SIGNED, Shows, paint};
use chestxr_tui::report::figures::{ColourScale, TILE_PIXELS, Tile, image_sheet};

use super::ExplainedMap;
use super::images::ImagesToExplain;
use chestxr_tui::label::known;

/// Renders sheets of the explained images.
pub struct Sheets<'a> {
    pub images: &'a ImagesToExplain,
    pub labels: &'a LabelSet,
    pub levels: &'a [f32],
}

const OPACITY: f32 = 0.6;

impl Sheets<'_> {
    /// The key of a condition.
    pub fn key(&self, class: usize) -> String {
        self.labels.get(class).map_or_else(|| class.to_string(), |condition| condition.key.clone())
    }

    fn name(&self, class: usize) -> String {
        self.labels.get(class).map_or_else(|| class.to_string(), |condition| condition.name.clone())
    }

    /// Whether the image has the condition; `None` where labels are not known.
    pub fn label(&self, image: usize, class: usize) -> Option<bool> {
        known(self.images.labels.as_ref()?[image][class])
    }

    /// A PNG with the image, the map and the overlay; boxes of the finding are outlined where known.
    pub fn sheet(&self, title: &str, one: &ExplainedMap) -> Result<Vec<u8>> {
        let subtitle = format!(
            "{} · {} · {} ({})",
            self.images.names[one.image],
            self.name(one.class),
            one.method.title,
            one.method.source
        );
        let tiles = vec![
            self.tile(one.image, one.class, None, Shows::Image),
            self.tile(one.image, one.class, Some(one), Shows::Map),
            self.tile(one.image, one.class, Some(one), Shows::Overlay),
        ];
        let columns = ["image", "map", "overlay"].map(str::to_owned);
        Ok(image_sheet(title, &subtitle, &columns, &[tiles])?)
    }

    /// A PNG with a row per image and condition: the image, then the overlay of each method.
    pub fn montage(
        &self,
        title: &str,
        requests: &[Request],
        methods: &[&'static Method],
        explained: &[ExplainedMap],
    ) -> Result<Vec<u8>> {
        let mut columns = vec!["image".to_owned()];
        columns.extend(methods.iter().map(|method| method.title.to_owned()));
        let rows: Vec<Vec<Tile>> = requests
            .iter()
            .map(|request| {
                let of_request =
                    explained.iter().filter(|one| (one.image, one.class) == (request.image, request.class));
                let maps = of_request.map(|one| self.tile(one.image, one.class, Some(one), Shows::Overlay));
                [self.tile(request.image, request.class, None, Shows::Image)]
                    .into_iter()
                    .chain(maps)
                    .collect()
            })
            .collect();
        Ok(image_sheet(
            title,
            "positive evidence for the condition; blue in signed maps: negative evidence",
            &columns,
            &rows,
        )?)
    }

    fn tile(&self, image: usize, class: usize, one: Option<&ExplainedMap>, shows: Shows) -> Tile {
        let images = &self.images.images;
        let (height, width) = (images.height(), images.width());
        let of_class = self.images.boxes[image].iter().filter(|(column, _)| *column == class);
        let boxes: Vec<Bounds> = of_class.map(|(_, bounds)| *bounds).collect();
        let overlay = Overlay {
            shows,
            colours: &COLOUR_MAPS[0],
            opacity: OPACITY,
            contrast: 1.0,
            crop: None,
            boxes: if shows == Shows::Map { &[] } else { &boxes },
        };
        let longer = height.max(width).max(1);
        let side = |pixels: usize| (pixels * TILE_PIXELS as usize / longer) as u32;
        let map = one.map(|one| &one.map);
        let rendered =
            paint(&images.shown(image), [height, width], map, &overlay, [side(width), side(height)]);
        let captions = match (shows, map) {
            (Shows::Image, _) => self.captions(image, class),
            (_, Some(map)) => notes(map),
            _ => Vec::new(),
        };
        Tile {
            width: rendered.width() as usize,
            height: rendered.height() as usize,
            rgb: rendered.into_raw(),
            scale: one.filter(|_| shows != Shows::Image).map(scale),
            captions,
        }
    }

    fn captions(&self, image: usize, class: usize) -> Vec<String> {
        let probability = self.images.probabilities[image * self.labels.len() + class];
        let level = self.levels[class];
        let prediction = prediction(probability, level);
        let label = match self.label(image, class) {
            Some(true) => ", labelled positive",
            Some(false) => ", labelled negative",
            None => "",
        };
        vec![
            format!("{}: {}", self.images.names[image], self.name(class)),
            format!("p {probability:.3}, {prediction} at {level}{label}"),
        ]
    }
}

/// The colour bar of a map: its colours, and the values at its ends with their unit.
fn scale(one: &ExplainedMap) -> ColourScale {
    const STEPS: u8 = 64;
    let limit = one.map.colour_limit();
    let (colours, lowest) = if one.map.signed { (&SIGNED, -1.0) } else { (&COLOUR_MAPS[0], 0.0) };
    let value = |step: u8| lowest + (1.0 - lowest) * f32::from(step) / f32::from(STEPS - 1);
    ColourScale {
        colours: (0..STEPS).map(|step| colours.colour(value(step))).collect(),
        ends: [signed(lowest * limit), format!("{} {}", signed(limit), one.method.unit)],
    }
}

/// `positive` above the threshold, else `negative`.
pub fn prediction(probability: f32, threshold: f32) -> &'static str {
    if probability > threshold { "positive" } else { "negative" }
}

/// Notes on a map: missing positive evidence, native size, completeness.
pub fn notes(map: &Map) -> Vec<String> {
    let mut notes = Vec::new();
    if !map.has_evidence() {
        notes.push("no positive evidence".to_owned());
    }
    if map.native != [map.height, map.width] {
        notes.push(format!("native size {} x {}", map.native[0], map.native[1]));
    }
    if let Some(completeness) = &map.completeness {
        notes.push(format!(
            "attribution sum {:.2}, logit change {:.2}",
            completeness.sum, completeness.difference
        ));
    }
    notes
}
