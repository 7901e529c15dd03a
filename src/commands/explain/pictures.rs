//! Maps over films as sheets.

use anyhow::Result;

use chestxr_tui::dataset::labels::LabelSet;
use chestxr_tui::dataset::phantom::Bounds;
use chestxr_tui::explain::{COLOUR_MAPS, Map, Method, Overlay, Request, Shows, paint};
use chestxr_tui::report::figures::{TILE_PIXELS, Tile, film_sheet};

use super::Explained;
use super::films::Chosen;

/// Films with what is needed to tell of them.
pub struct Judged<'a> {
    pub chosen: &'a Chosen,
    pub labels: &'a LabelSet,
    pub levels: &'a [f32],
}

const OPACITY: f32 = 0.6;

impl Judged<'_> {
    /// The key of a condition.
    pub fn key(&self, class: usize) -> String {
        self.labels.get(class).map_or_else(|| class.to_string(), |condition| condition.key.clone())
    }

    fn name(&self, class: usize) -> String {
        self.labels.get(class).map_or_else(|| class.to_string(), |condition| condition.name.clone())
    }

    /// Whether the labels name a condition; `None` where there are none.
    pub fn label(&self, film: usize, class: usize) -> Option<bool> {
        self.chosen.labels.as_ref().map(|rows| rows[film][class] == 1)
    }

    /// The film, its map and both, with the finding outlined on the film where it is known.
    pub fn sheet(&self, title: &str, one: &Explained) -> Result<Vec<u8>> {
        let subtitle = format!(
            "{} · {} · {} ({})",
            self.chosen.names[one.film],
            self.name(one.class),
            one.method.title,
            one.method.source
        );
        let tiles = vec![
            self.tile(one.film, one.class, None, Shows::Film),
            self.tile(one.film, one.class, Some(one), Shows::Map),
            self.tile(one.film, one.class, Some(one), Shows::Overlay),
        ];
        let columns = ["film", "map", "overlay"].map(str::to_owned);
        Ok(film_sheet(title, &subtitle, &columns, &[tiles])?)
    }

    /// A row a film and condition: the film, then a map of each method.
    pub fn montage(
        &self,
        title: &str,
        requests: &[Request],
        methods: &[&'static Method],
        explained: &[Explained],
    ) -> Result<Vec<u8>> {
        let mut columns = vec!["film".to_owned()];
        columns.extend(methods.iter().map(|method| method.title.to_owned()));
        let rows: Vec<Vec<Tile>> = requests
            .iter()
            .map(|request| {
                let of_request =
                    explained.iter().filter(|one| (one.film, one.class) == (request.film, request.class));
                let maps = of_request.map(|one| self.tile(one.film, one.class, Some(one), Shows::Overlay));
                [self.tile(request.film, request.class, None, Shows::Film)].into_iter().chain(maps).collect()
            })
            .collect();
        Ok(film_sheet(
            title,
            "what speaks for the condition; blue of a signed map against it",
            &columns,
            &rows,
        )?)
    }

    fn tile(&self, film: usize, class: usize, one: Option<&Explained>, shows: Shows) -> Tile {
        let films = &self.chosen.films;
        let (height, width) = (films.height(), films.width());
        let of_class = self.chosen.boxes[film].iter().filter(|(column, _)| *column == class);
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
        let picture = paint(films.film(film), [height, width], map, &overlay, [side(width), side(height)]);
        let captions = match (shows, map) {
            (Shows::Film, _) => self.told(film, class),
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

    fn told(&self, film: usize, class: usize) -> Vec<String> {
        let probability = self.chosen.probabilities[film * self.labels.len() + class];
        let level = self.levels[class];
        let verdict = if probability > level { "called" } else { "not called" };
        let label = match self.label(film, class) {
            Some(true) => ", labelled",
            Some(false) => ", not labelled",
            None => "",
        };
        vec![
            format!("{}: {}", self.chosen.names[film], self.name(class)),
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
