//! Building a store: images in parallel, written in order, resumed where an import was interrupted.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::layout::{
    ASKED, DOUBTS, Doubt, Failure, HEADER, Header, IMAGES, LABELS, RECORD, RECORDS, doubts_in, header_of,
};
use super::mapped::Mapped;
use crate::dataset::image_hash::hash_of;
use crate::dataset::progress::{Progress, Watch};
use crate::files::lock::Lock;
use crate::files::{is_named, replace_file};
use crate::text::bytes as size;

const PLACES: &str = "places";
/// Images that each thread makes between two visits to the disk.
const PER_THREAD: usize = 8;

/// What a store shall hold.
pub struct ImportRequest<'a> {
    /// The folder of all stores.
    pub cache: &'a Path,
    /// What the source looks like; the same text means the same images.
    pub fingerprint: &'a str,
    /// What it is made of, in words.
    pub of: &'a str,
    /// What is done to an image, for progress: `importing`, `drawing`.
    pub doing: &'static str,
    /// Number of images.
    pub count: usize,
    /// Rows and columns of an image.
    pub image: (usize, usize),
    /// Label bytes that come with each image.
    pub labels: usize,
    /// Bytes that may stay in memory.
    pub budget: u64,
    /// Whether images that can't be made are left black and listed, unless all are.
    pub skip: bool,
}

/// An image that was made.
pub struct Made {
    /// `H*W` bytes.
    pub pixels: Vec<u8>,
    /// As many as were requested.
    pub labels: Vec<u8>,
    /// Width and height of the picture it was made from.
    pub picture: (u32, u32),
    /// What its file says that is doubtful, and how it was taken: a clause each.
    pub doubts: Vec<String>,
}

/// Makes the images of some numbers, or gives for each the reason why not. Called for all numbers in order, from where an earlier
/// attempt ended.
pub type Making<'a, E> = dyn FnMut(Range<usize>) -> Vec<Result<Made, E>> + 'a;

/// Why there is no store.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the sentence of each error names its values")]
pub enum StoreError<E> {
    /// Images that can't be made: how many, and the first of them.
    #[error("{} of {of} images can't be read: {}", failed, first.join("; "))]
    Images {
        failed: usize,
        of: usize,
        first: Vec<String>,
        #[source]
        cause: Option<Box<E>>,
    },
    #[error("reading images was cancelled; the next reading resumes from there")]
    Stopped,
    #[error("the images need {} in {}, which has {} left; free some space or set XDG_CACHE_HOME to a larger disk", size(*needs), folder.display(), size(*free))]
    Full { needs: u64, free: u64, folder: PathBuf },
    #[error("can't cache images in {} ({error}); make it writable, or set XDG_CACHE_HOME to another folder", path.display())]
    Io { path: PathBuf, error: io::Error },
}

/// Sentences of images that failed that an error repeats.
const NAMED: usize = 3;

/// The store of a request, made now if it isn't there, with the label bytes of all images.
///
/// # Errors
/// When images can't be made (all are tried, so that all are known), the disk is full, or `watch` ends it.
pub fn build<E: std::error::Error>(
    request: &ImportRequest,
    make: &mut Making<E>,
    watch: &Watch,
) -> Result<(Arc<Mapped>, Vec<u8>), StoreError<E>> {
    let print = blake3::hash(format!("1\n{:?}\n{}", request.image, request.fingerprint).as_bytes()).to_hex()
        [..24]
        .to_owned();
    let place = request.cache.join(PLACES).join(&print);
    if let Some(found) = known(request, &place)
        && is_current(request, make, &found.0)
    {
        return Ok(found);
    }
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| StoreError::Io { path, error }
    };
    let part = request.cache.join(format!("{print}.part"));
    fs::create_dir_all(&part).map_err(failed(&part))?;
    fs::create_dir_all(request.cache.join(PLACES)).map_err(failed(&place))?;
    // Another process that makes the same store is waited for.
    let name = request.cache.join(format!("{print}.lock"));
    let _lock = lock(&name).map_err(failed(&part))?;
    if let Some(found) = known(request, &place)
        && is_current(request, make, &found.0)
    {
        return Ok(found);
    }
    fs::create_dir_all(&part).map_err(failed(&part))?;
    let mut header = Header {
        images: request.count,
        height: request.image.0,
        width: request.image.1,
        of: request.of.to_owned(),
        failures: Vec::new(),
    };
    let text = serde_json::to_vec(&header).map_err(|error| failed(&part)(error.into()))?;
    fs::write(part.join(ASKED), &text).map_err(failed(&part))?;
    let (key, failures) = fill(request, make, watch, &part)?;
    header.failures = failures;
    let text = serde_json::to_vec(&header).map_err(|error| failed(&part)(error.into()))?;
    replace_file(&part.join(HEADER), &text).map_err(failed(&part))?;
    fs::remove_file(part.join(ASKED)).map_err(failed(&part))?;
    let folder = request.cache.join(&key);
    let found = place_part(request, &part, &folder).map_err(failed(&folder))?;
    replace_file(&place, key.as_bytes()).map_err(failed(&place))?;
    // The name is no longer needed; a process that waits for the lock checks whether the file is still there.
    let _ = fs::remove_file(name);
    Ok(found)
}

/// Gives a part that is whole its name, and opens it: unless the same images came from another place before and are as
/// they were.
fn place_part(request: &ImportRequest, part: &Path, folder: &Path) -> io::Result<(Arc<Mapped>, Vec<u8>)> {
    // Images that look different from two places, which have locks of their own, may be the same.
    let name = folder.with_extension("lock");
    let _lock = lock(&name)?;
    let found = match open(request, folder) {
        Ok(found) => {
            fs::remove_dir_all(part)?;
            found
        }
        Err(_) => {
            if folder.exists() {
                // Out of the way first, under a name that `unfinished` finds after a kill. A process that still has its
                // images mapped keeps them: a file that has lost its name stays until the last who has it open is gone.
                let wreck = folder.with_extension("part");
                let _ = fs::remove_dir_all(&wreck);
                fs::rename(folder, &wreck)?;
                fs::rename(part, folder)?;
                fs::remove_dir_all(&wreck)?;
            } else {
                fs::rename(part, folder)?;
            }
            open(request, folder)?
        }
    };
    let _ = fs::remove_file(name);
    Ok(found)
}

/// Whether a store is what a request gets: every image was made, or those that were not may be left out and still can't be
/// made. A permission or a disk may have been in their way, which changes no file.
fn is_current<E>(request: &ImportRequest, make: &mut Making<E>, store: &Mapped) -> bool {
    let mut still_fails = |number: usize| make(number..number + 1).iter().all(Result::is_err);
    store.failures().iter().all(|failure| request.skip && still_fails(failure.image))
}

/// The store that a place is known to have.
fn known(request: &ImportRequest, place: &Path) -> Option<(Arc<Mapped>, Vec<u8>)> {
    let key = fs::read_to_string(place).ok()?;
    let plain = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then(|| open(request, &request.cache.join(&key)).ok())?
}

/// Waits until nobody else makes what this lock is for.
fn lock(name: &Path) -> io::Result<File> {
    loop {
        let lock = File::create(name)?;
        Lock::exclusive(&lock)?;
        if is_named(&lock, name) {
            return Ok(lock);
        }
    }
}

fn open(request: &ImportRequest, folder: &Path) -> io::Result<(Arc<Mapped>, Vec<u8>)> {
    let other = || io::Error::new(io::ErrorKind::InvalidData, "its content is not what its name requires");
    let header = header_of(folder, HEADER).ok_or_else(other)?;
    if (header.images, header.height, header.width) != (request.count, request.image.0, request.image.1) {
        return Err(other());
    }
    // All but the pixels is read anyway: a millisecond for 100,000 images.
    if !folder.ends_with(key_of(request, folder)?) {
        return Err(other());
    }
    let labels = if request.labels > 0 { fs::read(folder.join(LABELS))? } else { Vec::new() };
    if labels.len() != request.labels * request.count {
        return Err(other());
    }
    Ok((Arc::new(Mapped::open(folder, &header, request.budget)?), labels))
}

/// The growing files of a store.
struct Growing {
    images: BufWriter<File>,
    records: BufWriter<File>,
    labels: BufWriter<File>,
    doubts: BufWriter<File>,
    done: usize,
}

impl Growing {
    /// Opens them and cuts them back to the images that all of them have whole.
    fn open(request: &ImportRequest, folder: &Path) -> io::Result<Self> {
        let area = request.image.0 * request.image.1;
        let of_image = [area, RECORD, request.labels];
        let mut done = request.count;
        let mut files = Vec::new();
        for (name, each) in [IMAGES, RECORDS, LABELS].into_iter().zip(of_image) {
            let file = OpenOptions::new().append(true).create(true).open(folder.join(name))?;
            if each > 0 {
                done = done.min((file.metadata()?.len() / each as u64) as usize);
            }
            files.push(file);
        }
        for (file, each) in files.iter().zip(of_image) {
            file.set_len((done * each) as u64)?;
        }
        let kept = doubts_in(folder).into_iter().filter(|doubt| doubt.image < done);
        let mut doubts = BufWriter::new(File::create(folder.join(DOUBTS))?);
        for doubt in kept {
            write_doubt(&mut doubts, &doubt)?;
        }
        let mut files = files.into_iter().map(|file| BufWriter::with_capacity(1 << 20, file));
        match (files.next(), files.next(), files.next()) {
            (Some(images), Some(records), Some(labels)) => Ok(Self { images, records, labels, doubts, done }),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn add(&mut self, made: &Made) -> io::Result<()> {
        self.images.write_all(&made.pixels)?;
        self.records.write_all(&hash_of(&made.pixels))?;
        self.records.write_all(&made.picture.0.to_le_bytes())?;
        self.records.write_all(&made.picture.1.to_le_bytes())?;
        self.labels.write_all(&made.labels)?;
        for how in &made.doubts {
            write_doubt(&mut self.doubts, &Doubt { image: self.done, how: how.clone() })?;
        }
        self.done += 1;
        Ok(())
    }

    /// Adds a black image for one that could not be made; no picture is 0 x 0 px.
    fn add_failed(&mut self, request: &ImportRequest) -> io::Result<()> {
        let pixels = vec![0; request.image.0 * request.image.1];
        self.add(&Made { pixels, labels: vec![0; request.labels], picture: (0, 0), doubts: Vec::new() })
    }

    fn flush(&mut self) -> io::Result<()> {
        // The doubts of an image that lacks its pixels are cut off; those of one that has them would be lost.
        self.doubts.flush()?;
        self.images.flush()?;
        self.records.flush()?;
        self.labels.flush()
    }
}

fn write_doubt(file: &mut impl Write, doubt: &Doubt) -> io::Result<()> {
    serde_json::to_writer(&mut *file, doubt)?;
    file.write_all(b"\n")
}

/// Makes what is missing in `folder` and names the whole after its content; also the images that could not be made.
fn fill<E: std::error::Error>(
    request: &ImportRequest,
    make: &mut Making<E>,
    watch: &Watch,
    folder: &Path,
) -> Result<(String, Vec<Failure>), StoreError<E>> {
    let failed = |error: io::Error| StoreError::Io { path: folder.to_owned(), error };
    let area = request.image.0 * request.image.1;
    let mut growing = Growing::open(request, folder).map_err(failed)?;
    let needs = ((request.count - growing.done) * (area + RECORD + request.labels)) as u64;
    if let Some(free) = crate::files::free_space(folder)
        && free < needs
    {
        return Err(StoreError::Full { needs, free, folder: folder.to_owned() });
    }
    let chunk = PER_THREAD * rayon::current_num_threads();
    let mut failures = failed_before(make, folder).map_err(failed)?;
    let (mut cause, mut next) = (None, growing.done);
    while next < request.count {
        if !watch(Progress { doing: request.doing, done: next, total: request.count }) {
            growing.flush().map_err(failed)?;
            return Err(StoreError::Stopped);
        }
        let numbers = next..request.count.min(next + chunk);
        next = numbers.end;
        for (number, image) in numbers.clone().zip(make(numbers)) {
            match image {
                // After an image that failed the others are only looked at, unless it is left out.
                Ok(image) if request.skip || failures.is_empty() => growing.add(&image).map_err(failed)?,
                Ok(_) => {}
                Err(error) => {
                    failures.push(Failure { image: number, why: error.to_string() });
                    if request.skip {
                        growing.add_failed(request).map_err(failed)?;
                    }
                    cause.get_or_insert_with(|| Box::new(error));
                }
            }
        }
        // What is on the disk is what a next time goes on from.
        growing.flush().map_err(failed)?;
    }
    if !failures.is_empty() && (!request.skip || failures.len() == request.count) {
        // An image that is mended has another time: this part would never be taken up again.
        let _ = fs::remove_dir_all(folder);
        let first = failures.iter().take(NAMED).map(|failure| failure.why.clone()).collect();
        return Err(StoreError::Images { failed: failures.len(), of: request.count, first, cause });
    }
    let Growing { images, records, labels, doubts, .. } = growing;
    for file in [images, records, labels, doubts] {
        file.into_inner().map_err(|error| failed(error.into_error()))?.sync_all().map_err(failed)?;
    }
    Ok((key_of(request, folder).map_err(failed)?, failures))
}

/// The images that an earlier attempt could not make, tried again for the reason; the attempt kept their place alone.
fn failed_before<E: std::error::Error>(make: &mut Making<E>, folder: &Path) -> io::Result<Vec<Failure>> {
    let records = fs::read(folder.join(RECORDS))?;
    let of = |record: &[u8]| record.ends_with(&[0; 8]);
    let numbers = records.as_chunks::<RECORD>().0.iter().enumerate().filter(|(_, record)| of(*record));
    let again = |(number, _)| {
        let why = make(number..number + 1).into_iter().next()?.err()?.to_string();
        Some(Failure { image: number, why })
    };
    Ok(numbers.filter_map(again).collect())
}

/// The name of the store in `folder`, by the hashes of its images, by their labels and their doubts.
fn key_of(request: &ImportRequest, folder: &Path) -> io::Result<String> {
    let mut hash = blake3::Hasher::new();
    hash.update(format!("{:?} {} {}\n", request.image, request.count, request.labels).as_bytes());
    for name in [RECORDS, LABELS] {
        hash.update(&fs::read(folder.join(name))?);
    }
    // Without doubts the name is what it was before they were kept.
    for doubt in doubts_in(folder) {
        hash.update(format!("{} {}\n", doubt.image, doubt.how).as_bytes());
    }
    Ok(hash.finalize().to_hex()[..24].to_owned())
}

/// The stores of a cache: what each is made of and its bytes.
pub fn listed(cache: &Path) -> Vec<(PathBuf, String, u64)> {
    let Ok(entries) = fs::read_dir(cache) else { return Vec::new() };
    let mut found: Vec<_> = entries
        .flatten()
        .filter_map(|entry| {
            let header = header_of(&entry.path(), HEADER)?;
            let of =
                format!("{} images of {} x {} px, {}", header.images, header.height, header.width, header.of);
            Some((entry.path(), of, (header.images * header.height * header.width) as u64))
        })
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests;
