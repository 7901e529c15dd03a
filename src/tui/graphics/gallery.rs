//! Cache of encoded pictures, encoded in a thread.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::prelude::{BASE64_STANDARD, Engine};
use image::{DynamicImage, ImageEncoder, RgbImage};
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use ratatui::widgets::Widget;
use ratatui_image::Image;
use ratatui_image::protocol::Protocol as Widgets;
use ratatui_image::protocol::{iterm2::Iterm2, kitty::Kitty, sixel::Sixel};

use crate::tui::graphics::probe::{Terminal, cell_of_window, through_tmux};
use crate::tui::graphics::protocol::Protocol;
use crate::tui::graphics::sixel;

/// Paints a picture of so many pixels (width, height).
pub type Paint = Arc<dyn Fn([u32; 2]) -> RgbImage + Send + Sync>;

/// A picture that a frame wants to show.
#[derive(Clone)]
pub struct ImageRequest {
    /// Identifies the picture, whatever its size.
    pub key: u64,
    /// Cells that the picture covers.
    pub area: Rect,
    /// What is painted there.
    pub paint: Paint,
}

/// Limit of the cache in bytes.
const KEPT: usize = 32 << 20;

/// While requests keep changing, encoding waits until they rest for this time: the user holds a key down.
const REST: Duration = Duration::from_millis(60);

type Key = (u64, u16, u16);

/// What is encoded already, shared with the worker.
#[derive(Default)]
struct Store {
    /// Width and height of a cell in pixels, for which pictures are encoded.
    cell: [u16; 2],
    pictures: HashMap<Key, Encoded>,
    /// Painting these broke.
    broken: HashSet<Key>,
    /// Counts uses, to know which are oldest.
    clock: u64,
    /// Of kitty pictures that were dropped and not yet deleted in the terminal.
    dropped: Vec<u32>,
}

struct Encoded {
    widget: Widgets,
    /// At most.
    bytes: usize,
    used: u64,
    /// kitty's number of it.
    id: u32,
}

/// Pictures by request; see the room's head.
pub struct Gallery {
    terminal: Terminal,
    store: Arc<Mutex<Store>>,
    requests: Sender<Vec<ImageRequest>>,
    /// A cell in pixels as the system last gave it.
    window: Option<[u16; 2]>,
    /// The requests sent last, so that none is sent twice.
    request: Vec<Key>,
}

impl Gallery {
    /// A gallery for this terminal; `ready` is called from another thread whenever a picture is there.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn new(terminal: Terminal, ready: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let (requests, inbox) = channel();
        let store = Arc::new(Mutex::new(Store { cell: terminal.cell, ..Store::default() }));
        let worker = Worker { inbox, store: store.clone(), terminal: terminal.clone(), next_id: first_id() };
        std::thread::Builder::new().name("pictures".into()).spawn(move || worker.run(&ready))?;
        Ok(Self { terminal, store, requests, window: cell_of_window(), request: Vec::new() })
    }

    /// Encodes pictures anew where the window's cells have another size in pixels, or with `all` in any case: where the
    /// terminal has lost them.
    pub fn reset(&mut self, all: bool) {
        let window = cell_of_window();
        let changed = window != self.window;
        if !changed && !all {
            return;
        }
        if let (true, Some(cell)) = (changed, window) {
            self.terminal.cell = cell;
        }
        self.window = window;
        let mut store = lock(&self.store);
        store.cell = self.terminal.cell;
        let dropped: Vec<u32> = store.pictures.drain().map(|(_, encoded)| encoded.id).collect();
        store.dropped.extend(dropped);
        store.broken.clear();
        drop(store);
        self.request.clear();
    }

    /// The terminal it draws for.
    pub fn terminal(&self) -> &Terminal {
        &self.terminal
    }

    /// Whether a picture can be put into a frame at once, so that no preview is needed.
    pub fn has(&self, key: u64, area: Rect) -> bool {
        lock(&self.store).pictures.contains_key(&(key, area.width, area.height))
    }

    /// Draws the prepared images into the frame and requests the others. Called once for each frame, after everything else
    /// was drawn; a frame without pictures passes none.
    pub fn place(&mut self, requested: &[ImageRequest], buf: &mut Buffer) {
        if !self.terminal.protocol.is_some_and(Protocol::has_pixels) {
            return;
        }
        let mut missing = Vec::new();
        let mut store = lock(&self.store);
        store.clock += 1;
        let clock = store.clock;
        for request in requested.iter().filter(|request| !request.area.is_empty()) {
            let key = (request.key, request.area.width, request.area.height);
            if let Some(encoded) = store.pictures.get_mut(&key) {
                encoded.used = clock;
                Image::new(&encoded.widget).render(request.area, buf);
            } else if !store.broken.contains(&key) {
                missing.push(request.clone());
            }
        }
        // Goes out with the frame's first cell: a cell of a picture may have no room for it.
        let deleted: String = store.dropped.drain(..).map(|id| deletion(id, self.terminal.tmux)).collect();
        if !deleted.is_empty()
            && let Some(cell) = buf.cell_mut((buf.area.x, buf.area.y))
        {
            let symbol = format!("{deleted}{}", cell.symbol());
            cell.set_symbol(&symbol);
        }
        drop(store);
        let keys: Vec<Key> =
            missing.iter().map(|request| (request.key, request.area.width, request.area.height)).collect();
        if keys != self.request {
            self.request = keys;
            // Without its worker the gallery shows nothing new; half blocks remain.
            let _ = self.requests.send(missing);
        }
    }
}

fn lock(store: &Mutex<Store>) -> MutexGuard<'_, Store> {
    // Nothing in there is half done when a thread breaks.
    store.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Numbers of two programs in one terminal should not meet.
fn first_id() -> u32 {
    let time = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |time| time.subsec_nanos());
    (std::process::id().wrapping_mul(2_654_435_761) ^ time) & 0x00ff_0000 | 1
}

fn deletion(id: u32, tmux: bool) -> String {
    let sequence = format!("\x1b_Ga=d,d=I,i={id},q=2\x1b\\");
    if tmux { through_tmux(&sequence) } else { sequence }
}

struct Worker {
    inbox: Receiver<Vec<ImageRequest>>,
    store: Arc<Mutex<Store>>,
    terminal: Terminal,
    next_id: u32,
}

impl Worker {
    fn run(mut self, ready: &dyn Fn()) {
        while let Ok(mut requests) = self.inbox.recv() {
            let mut first = true;
            loop {
                // The first request after a pause is served at once.
                if !first {
                    match self.inbox.recv_timeout(REST) {
                        Ok(newer) => {
                            requests = newer;
                            continue;
                        }
                        Err(RecvTimeoutError::Timeout) => {}
                        Err(RecvTimeoutError::Disconnected) => return,
                    }
                }
                let done = self.encode_all(&mut requests, ready);
                first = false;
                if done {
                    break;
                }
            }
        }
    }

    /// Encodes one after the other; false when newer requests came.
    fn encode_all(&mut self, requests: &mut Vec<ImageRequest>, ready: &dyn Fn()) -> bool {
        let mut next = 0;
        while next < requests.len() {
            self.encode(&requests[next]);
            ready();
            next += 1;
            let mut newer = None;
            while let Ok(more) = self.inbox.try_recv() {
                newer = Some(more);
            }
            if let Some(newer) = newer {
                *requests = newer;
                return false;
            }
        }
        true
    }

    fn encode(&mut self, request: &ImageRequest) {
        let key = (request.key, request.area.width, request.area.height);
        let cell = {
            let store = lock(&self.store);
            if store.pictures.contains_key(&key) {
                return;
            }
            store.cell
        };
        self.terminal.cell = cell;
        let id = self.next_id;
        // The lowest 24 bits, never 0: they are a colour.
        self.next_id = (id % 0x00ff_ffff) + 1;
        let made =
            catch_unwind(AssertUnwindSafe(|| encode(&request.paint, request.area, &self.terminal, id)));
        let mut store = lock(&self.store);
        if store.cell != cell {
            // The next frame requests it at the new size.
            return;
        }
        let Ok(Some((widget, bytes))) = made else {
            store.broken.insert(key);
            return;
        };
        store.clock += 1;
        let used = store.clock;
        store.pictures.insert(key, Encoded { widget, bytes, used, id });
        store.forget_oldest();
    }
}

impl Store {
    fn forget_oldest(&mut self) {
        let mut total: usize = self.pictures.values().map(|encoded| encoded.bytes).sum();
        while total > KEPT && self.pictures.len() > 1 {
            let oldest = self.pictures.iter().min_by_key(|(_, encoded)| encoded.used).map(|(key, _)| *key);
            let Some(encoded) = oldest.and_then(|key| self.pictures.remove(&key)) else { break };
            total -= encoded.bytes;
            self.dropped.push(encoded.id);
        }
    }
}

/// The picture at the area's size in pixels, and the bytes it takes at most.
fn encode(paint: &Paint, area: Rect, terminal: &Terminal, id: u32) -> Option<(Widgets, usize)> {
    let size = Size::new(area.width, area.height);
    let [wide, high] = [0, 1].map(|axis| u32::from(terminal.cell[axis]));
    let mut pixels = [u32::from(area.width) * wide, u32::from(area.height) * high];
    if terminal.protocol == Some(Protocol::Sixel) {
        // A last band that isn't whole would be drawn over the line below.
        pixels[1] = (pixels[1] / 6 * 6).max(1);
    }
    let picture = paint(pixels);
    let tmux = terminal.tmux;
    Some(match terminal.protocol? {
        Protocol::Kitty => {
            // Compressed it is smaller; ratatui-image doesn't report the size.
            let bytes = picture.as_raw().len();
            (
                Widgets::Kitty(
                    Kitty::new(DynamicImage::ImageRgb8(picture), size, id, tmux, true, false).ok()?,
                ),
                bytes,
            )
        }
        Protocol::Sixel => {
            let mut data = cleared(size);
            data.push_str(&sixel::encode(&picture));
            let bytes = data.len();
            // tmux draws sixels by itself, so nothing is wrapped.
            (Widgets::Sixel(Sixel { data, size, is_tmux: false }), bytes)
        }
        Protocol::Iterm2 => {
            let data = iterm2(&picture, size)?;
            let bytes = data.len();
            (Widgets::ITerm2(Iterm2 { data, size, is_tmux: false }), bytes)
        }
        Protocol::Half | Protocol::Ascii => return None,
    })
}

/// Blanks the cells below a picture, in the colours of now; the cursor ends where it was.
fn cleared(size: Size) -> String {
    let mut data = String::from("\x1b7");
    for row in 0..size.height {
        let _ = write!(data, "\x1b[{}X", size.width);
        if row + 1 < size.height {
            data.push_str("\x1b[1B");
        }
    }
    data.push_str("\x1b8");
    data
}

fn iterm2(picture: &RgbImage, size: Size) -> Option<String> {
    let mut png = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut png);
    encoder
        .write_image(picture.as_raw(), picture.width(), picture.height(), image::ExtendedColorType::Rgb8)
        .ok()?;
    let mut data = cleared(size);
    let _ = write!(
        data,
        "\x1b]1337;File=inline=1;size={};width={};height={};preserveAspectRatio=0;doNotMoveCursor=1:",
        png.len(),
        size.width,
        size.height
    );
    data.push_str(&BASE64_STANDARD.encode(&png));
    data.push('\x07');
    Some(data)
}
