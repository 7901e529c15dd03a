//! Maps over images as sheets.

use anyhow::Result;

use chestxr_tui::dataset::labels::LabelSet;
use chestxr_tui::dataset::phantom::Bounds;
use chestxr_tui::explain::{COLOUR_MAPS, Map, Method, Overlay, Request, Shows, paint};
use chestxr_tui::report::figures::{TILE_PIXELS, Tile, image_sheet};

use super::Explained;
use super::images::Chosen;

/// Images with what is needed to tell of them.
pub struct ExplainedImages<'a> {
    pub chosen: &'a Chosen,
    pub labels: &'a LabelSet,
    pub levels: &'a [f32],
}

const OPACITY: f32 = 0.6;

impl ExplainedImages<'_> {
    /// The key of a condition.
    pub fn key(&self, class: usize) -> String {
        self.labels.get(class).map_or_else(|| class.to_string(), |condition| condition.key.clone())
    }

    fn name(&self, class: usize) -> String {
        self.labels.get(class).map_or_else(|| class.to_string(), |condition| condition.name.clone())
    }

    /// Whether the labels name a condition; `None` where there are none.
    pub fn label(&self, image: usize, class: usize) -> Option<bool> {
        self.chosen.labels.as_ref().map(|rows| rows[image][class] == 1)
    }

    /// The image, its map and both, with the finding outlined on the image where it is known.
    pub fn sheet(&self, title: &str, one: &Explained) -> Result<Vec<u8>> {
        let subtitle = format!(
            "{} · {} · {} ({})",
            self.chosen.names[one.image],
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

    /// A row an image and condition: the image, then a map of each method.
    pub fn montage(
        &self,
        title: &str,
        requests: &[Request],
        methods: &[&'static Method],
        explained: &[Explained],
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
            "what speaks for the condition; blue of a signed map against it",
            &columns,
            &rows,
        )?)
    }

    fn tile(&self, image: usize, class: usize, one: Option<&Explained>, shows: Shows) -> Tile {
        let images = &self.chosen.images;
        let (height, width) = (images.height(), images.width());
        let of_class = self.chosen.boxes[image].iter().filter(|(column, _)| *column == class);
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
        let picture = paint(images.image(image), [height, width], map, &overlay, [side(width), side(height)]);
        let captions = match (shows, map) {
            (Shows::Image, _) => self.told(image, class),
            (_, Some(map)) => notes(map),
            _ => Vec::new(),
        };
        Tile {
            width: picture.width() as usize,
            height: picture.height() as usize,
            rgb: picture.into_raw(),
            captions,
        }
    }

    fn told(&self, image: usize, class: usize) -> Vec<String> {
        let probability = self.chosen.probabilities[image * self.labels.len() + class];
        let level = self.levels[class];
        let verdict = if probability > level { "called" } else { "not called" };
        let label = match self.label(image, class) {
            Some(true) => ", labelled",
            Some(false) => ", not labelled",
            None => "",
        };
        vec![
            format!("{}: {}", self.chosen.names[image], self.name(class)),
            format!("p {probability:.3}, {verdict} at {level}{label}"),
        ]
    }
}

/// What a reader must know of a map.
pub fn notes(map: &Map) -> Vec<String> {
    let mut notes = Vec::new();
    if !map.has_evidence() {
        notes.push("no positive evidence".to_owned());
    }
    if map.native != [map.height, map.width] {
        notes.push(format!("from {} x {} places", map.native[0], map.native[1]));
    }
    if let Some(completeness) = &map.completeness {
        notes.push(format!("sums to {:.2} of {:.2} logits", completeness.sum, completeness.difference));
    }
    notes
}
