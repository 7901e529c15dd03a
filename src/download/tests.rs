//! What becomes of a file, and what is left on the disk, when servers misbehave.

mod server;

use std::cell::Cell;
use std::path::PathBuf;

use super::*;
use server::{BODY, Manner, NEWER, Requested, server};

const NAME: &str = "images.npz";

fn sha(bytes: &[u8]) -> Checksum {
    let mut hash = Running::new(&Checksum::Sha256(String::new()));
    hash.add(bytes);
    Checksum::Sha256(hash.hex())
}

fn order(url: &str) -> Order<'_> {
    Order { url, checksum: Some(sha(BODY)), size: None, limit: 1000 }
}

/// A folder to download into, and what we ask of a server.
struct Place {
    folder: tempfile::TempDir,
    url: String,
    requested: Requested,
}

impl Place {
    fn new(manners: &'static [Manner]) -> Self {
        let (url, requested) = server(manners);
        Self { folder: tempfile::tempdir().expect("a temporary folder"), url, requested }
    }

    fn target(&self) -> PathBuf {
        self.folder.path().join(NAME)
    }

    fn part(&self) -> PathBuf {
        self.folder.path().join("images.npz.part")
    }

    fn fetch_as(&self, order: &Order, watch: &mut Watch) -> Result<(), DownloadError> {
        let terms = Terms { stall: Duration::from_secs(2), pause: Duration::from_millis(1), proxies: false };
        download_on(terms, order, &self.target(), watch)
    }

    fn fetch(&self) -> Result<(), DownloadError> {
        self.fetch_as(&order(&self.url), &mut |_, _| true)
    }

    /// Leaves a part of so many bytes, as a run that was stopped does.
    fn stopped_after(manners: &'static [Manner]) -> Self {
        let place = Self::new(manners);
        let stopped = place.fetch_as(&order(&place.url), &mut |done, _| done == 0);
        assert!(matches!(stopped, Err(DownloadError::Stopped)), "{stopped:?}");
        assert_eq!(place.names(), ["images.npz.part", "images.npz.part.json"]);
        place
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.path()).expect("the folder");
        let mut names: Vec<String> = entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    fn ranges(&self) -> Vec<Option<usize>> {
        self.requested.lock().expect("nobody panicked").iter().map(|(from, _)| *from).collect()
    }

    fn assert_here(&self, content: &[u8]) {
        assert_eq!(fs::read(self.target()).expect("the file"), content);
        assert_eq!(self.names(), [NAME], "no part stays behind");
    }

    /// Fails with a sentence, and nothing is left.
    fn assert_nothing(&self, outcome: Result<(), DownloadError>, sentence: &str) {
        let said = outcome.expect_err(sentence).to_string();
        assert!(said.contains(sentence), "{said}");
        assert_eq!(self.names(), [""; 0], "{said}");
    }
}

#[test]
fn a_line_that_breaks_is_taken_up_where_it_broke() {
    let place = Place::new(&[Manner::HangUp, Manner::Cut(10)]);
    place.fetch().expect("it arrives in pieces");
    place.assert_here(BODY);
    assert_eq!(place.ranges(), [None, None, Some(10), Some(20)]);
    let requested = place.requested.lock().expect("nobody panicked");
    assert_eq!(requested[2].1.as_deref(), Some("\"one\""), "only as a piece of the same version");
}

#[test]
fn a_line_that_breaks_more_often_than_it_is_tried_again_arrives_as_long_as_bytes_come() {
    let place = Place::new(&[Manner::Cut(1)]);
    place.fetch().expect("a byte at a time");
    place.assert_here(BODY);
    assert_eq!(place.ranges().len(), BODY.len());
}

#[test]
fn a_line_that_brings_no_more_is_given_up_and_the_part_is_kept() {
    let place = Place::new(&[Manner::Cut(10), Manner::Cut(0)]);
    let said = place.fetch().expect_err("it ends at 10").to_string();
    assert!(said.contains("broke off after 10 B") && said.contains("start it again"), "{said}");
    assert_eq!(place.ranges().len(), 6, "the first, which brought bytes, and five more");
    assert_eq!(fs::read(place.part()).expect("a part"), &BODY[..10]);
}

#[test]
fn a_server_without_ranges_that_breaks_off_does_not_keep_us_for_ever() {
    // It begins anew each time, and no time gets further.
    let place = Place::new(&[Manner::Unmarked(10)]);
    let plain = Order { checksum: None, ..order(&place.url) };
    let error = place.fetch_as(&plain, &mut |_, _| true).expect_err("never whole");
    assert!(matches!(error, DownloadError::BrokeOff { .. }), "{error}");
    assert!(place.ranges().iter().all(Option::is_none), "nothing tells two contents apart");
}

#[test]
fn whatever_else_servers_do_with_ranges_the_content_is_right() {
    for manners in [
        &[Manner::Cut(10), Manner::Whole] as &'static [Manner],
        &[Manner::Unmarked(10)],
        &[Manner::Cut(10), Manner::WrongPiece, Manner::Whole],
        &[Manner::Cut(10), Manner::Beyond, Manner::Whole],
        &[Manner::Slow],
        &[Manner::Unmeasured],
        &[Manner::Moved, Manner::Cut(10), Manner::Moved, Manner::Cut(100)],
        &[Manner::Silent(10), Manner::Cut(100)],
        &[Manner::Status("503 Service Unavailable"), Manner::Status("429 Too Many Requests"), Manner::Whole],
    ] {
        let place = Place::new(manners);
        place.fetch().expect("it arrives");
        place.assert_here(BODY);
    }
}

#[test]
fn a_content_that_changed_between_attempts_is_taken_from_its_beginning() {
    for manners in [
        &[Manner::Cut(10), Manner::Newer] as &'static [Manner],
        &[Manner::Cut(10), Manner::NewerAnyway, Manner::Newer],
    ] {
        let place = Place::new(manners);
        // No checksum: only the server's mark can tell.
        let plain = Order { checksum: None, ..order(&place.url) };
        place.fetch_as(&plain, &mut |_, _| true).expect("the newer one");
        place.assert_here(NEWER);
    }
}

#[test]
fn wrong_bytes_are_not_kept_and_the_sentence_names_both_checksums() {
    let place = Place::new(&[Manner::Bytes(b"frontal lobes")]);
    let Checksum::Sha256(wanted) = sha(BODY) else { panic!("it is one") };
    let Checksum::Sha256(found) = sha(b"frontal lobes") else { panic!("it is one") };
    place.assert_nothing(place.fetch(), &format!("has the SHA-256 {found} instead of {wanted}"));
    assert_eq!(place.ranges().len(), 1, "wrong bytes are not requested twice");
    let eight = Order { checksum: Some(Checksum::Sha256(wanted[..8].to_owned())), ..order(&place.url) };
    let outcome = place.fetch_as(&eight, &mut |_, _| true);
    place.assert_nothing(outcome, &format!("SHA-256 {} instead of {}:", &found[..8], &wanted[..8]));
}

#[test]
fn a_part_damaged_on_the_disk_costs_one_more_download_only() {
    let place = Place::stopped_after(&[Manner::Cut(10)]);
    let length = fs::read(place.part()).expect("a part").len();
    fs::write(place.part(), vec![0; length]).expect("damaged");
    place.fetch().expect("the second time it is whole");
    place.assert_here(BODY);
}

#[test]
fn web_pages_refusals_and_wrong_lengths_leave_nothing_and_say_why() {
    let cases: [(&'static [Manner], &str); 6] = [
        (&[Manner::Page], "sent a web page"),
        (&[Manner::Status("404 Not Found")], "answers 404 Not Found; the file is not there"),
        (&[Manner::Status("403 Forbidden")], "a login"),
        (&[Manner::Status("503 Service Unavailable")], "answers 503 Service Unavailable; try again later"),
        (&[Manner::Bytes(&[7; 2000])], "more than the 1.0 kB expected"),
        (&[Manner::HangUp], "broke off after 0 B"),
    ];
    for (manners, sentence) in cases {
        let place = Place::new(manners);
        place.assert_nothing(place.fetch(), sentence);
    }
    let place = Place::new(&[Manner::Status("404 Not Found")]);
    place.assert_nothing(place.fetch(), "404");
    assert_eq!(place.ranges().len(), 1, "a no is a no");
    for (manners, size) in [
        (&[Manner::Whole] as &'static [Manner], 25),
        (&[Manner::Whole], 27),
        // Its length shows only while it comes.
        (&[Manner::Unmeasured], 25),
    ] {
        let place = Place::new(manners);
        let sized = Order { checksum: None, size: Some(size), ..order(&place.url) };
        let outcome = place.fetch_as(&sized, &mut |_, _| true);
        place.assert_nothing(outcome, &format!("has 26 bytes instead of {size}"));
    }
}

#[test]
fn an_answer_that_ends_too_soon_without_a_length_is_told_by_the_size() {
    let place = Place::new(&[Manner::Unmeasured]);
    let sized = Order { checksum: None, size: Some(27), ..order(&place.url) };
    let error = place.fetch_as(&sized, &mut |_, _| true).expect_err("one byte is missing");
    assert!(matches!(error, DownloadError::BrokeOff { done: 26, .. }), "{error}");
    assert!(place.part().exists() && !place.target().exists());
}

#[test]
fn a_login_page_does_not_cost_what_came_before() {
    let place = Place::stopped_after(&[Manner::Cut(10), Manner::Page, Manner::Cut(100)]);
    let error = place.fetch().expect_err("a page");
    assert!(matches!(error, DownloadError::WebPage { .. }), "{error}");
    assert_eq!(fs::read(place.part()).expect("a part"), &BODY[..10]);
    place.fetch().expect("the rest");
    place.assert_here(BODY);
    assert_eq!(place.ranges(), [None, Some(10), Some(10)]);
}

#[test]
fn a_download_that_was_stopped_goes_on_the_next_time() {
    let place = Place::stopped_after(&[Manner::Slow, Manner::Cut(100)]);
    let part = fs::read(place.part()).expect("a part");
    assert!(!part.is_empty() && BODY.starts_with(&part), "{part:?}");
    place.fetch().expect("the rest");
    place.assert_here(BODY);
    assert_eq!(place.ranges(), [None, Some(part.len())]);
}

#[test]
fn a_part_of_another_address_or_of_unknown_origin_is_not_gone_on_with() {
    let place = Place::stopped_after(&[Manner::Cut(10), Manner::Whole]);
    let other = format!("{}?version=2", place.url);
    place.fetch_as(&order(&other), &mut |_, _| true).expect("anew");
    place.assert_here(BODY);
    assert_eq!(place.ranges(), [None, None]);
    let place = Place::new(&[Manner::Whole]);
    fs::write(place.part(), b"something").expect("written");
    place.fetch().expect("anew");
    place.assert_here(BODY);
    assert_eq!(place.ranges(), [None]);
}

#[test]
fn a_part_that_is_whole_already_is_put_in_place() {
    let place = Place::stopped_after(&[Manner::Cut(10), Manner::Beyond]);
    fs::write(place.part(), BODY).expect("the rest came, then the power went");
    place.fetch().expect("nothing is missing");
    place.assert_here(BODY);
    assert_eq!(place.ranges(), [None, Some(BODY.len())]);
    let place = Place::stopped_after(&[Manner::Cut(10)]);
    fs::write(place.part(), BODY).expect("the rest came");
    let sized = Order { size: Some(BODY.len() as u64), ..order(&place.url) };
    place.fetch_as(&sized, &mut |_, _| true).expect("size and checksum say it all");
    place.assert_here(BODY);
    assert_eq!(place.ranges(), [None], "nothing was requested");
}

#[test]
fn a_part_longer_than_the_file_is_begun_anew() {
    let place = Place::stopped_after(&[Manner::Cut(10), Manner::Beyond, Manner::Whole]);
    fs::write(place.part(), [BODY, BODY].concat()).expect("too much");
    place.fetch().expect("anew");
    place.assert_here(BODY);
}

#[test]
fn a_silent_server_can_be_left_at_once() {
    let place = Place::new(&[Manner::Silent(3)]);
    let seen = Cell::new(0);
    let outcome = place.fetch_as(&order(&place.url), &mut |done, total| {
        assert!(done == 0 || total == Some(BODY.len() as u64));
        seen.set(seen.get() + u32::from(done == 3));
        seen.get() < 3
    });
    assert!(matches!(outcome, Err(DownloadError::Stopped)), "{outcome:?}");
    assert_eq!(fs::read(place.part()).expect("a part"), &BODY[..3]);
}

#[test]
fn a_closed_network_is_a_sentence() {
    let place = Place::new(&[Manner::Whole]);
    // Nobody listens on port 1; a free one could become another test's.
    let closed = order("http://name:secret@127.0.0.1:1/images.npz");
    let outcome = place.fetch_as(&closed, &mut |_, _| true);
    assert!(!outcome.as_ref().expect_err("nobody is there").to_string().contains("secret"));
    place.assert_nothing(outcome, "can't be reached");
    let outcome = place.fetch_as(&order("no address"), &mut |_, _| true);
    place.assert_nothing(outcome, "can't be reached");
}

#[test]
fn two_downloads_of_one_file_do_not_mix() {
    let place = Place::new(&[Manner::Whole]);
    let mut second = None;
    place
        .fetch_as(&order(&place.url), &mut |_, _| {
            second.get_or_insert_with(|| place.fetch());
            true
        })
        .expect("the first one");
    let said = second.expect("it was tried").expect_err("it was held").to_string();
    assert!(said.contains("another chestxr-tui is downloading"), "{said}");
    place.assert_here(BODY);
}

#[test]
fn a_full_disk_is_a_sentence_of_its_own() {
    let full = DownloadError::file(Path::new("/data/f.part"), io::ErrorKind::StorageFull.into());
    assert!(full.to_string().contains("the disk is full, /data/f.part"), "{full}");
    let other = DownloadError::file(Path::new("/data/f.part"), io::ErrorKind::PermissionDenied.into());
    assert!(matches!(other, DownloadError::Io { .. }));
}

#[test]
fn a_file_that_came_another_way_is_taken_if_it_is_the_right_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (from, target) = (folder.path().join("usb.npz"), folder.path().join("cache/images.npz"));
    let take = |order: &Order| adopt(&from, order, &target, &mut |_, _| true);
    fs::write(&from, b"frontal lobes").expect("written");
    let wrong = take(&order("-")).expect_err("another file").to_string();
    assert!(wrong.contains("usb.npz has the SHA-256") && wrong.contains("get the file again"), "{wrong}");
    let short = take(&Order { size: Some(26), ..order("-") }).expect_err("too short").to_string();
    assert!(short.contains("has 13 bytes instead of 26"), "{short}");
    assert!(!target.exists());
    assert!(!verify(&from, &sha(BODY), &mut |_, _| true).expect("read"));
    fs::write(&from, BODY).expect("written");
    let stopped = adopt(&from, &order("-"), &target, &mut |_, _| false);
    assert!(matches!(stopped, Err(DownloadError::Stopped)) && !target.exists());
    take(&order("-")).expect("the right one");
    assert_eq!(fs::read(&target).expect("taken"), BODY);
    assert!(verify(&target, &sha(BODY), &mut |_, _| true).expect("read"));
    assert_eq!(fs::read_dir(folder.path().join("cache")).expect("the folder").count(), 1);
    let missing = adopt(&folder.path().join("no"), &order("-"), &target, &mut |_, _| true);
    assert!(matches!(missing, Err(DownloadError::Io { .. })));
}

#[test]
fn hosts_without_a_proxy_may_be_named_with_spaces_between() {
    let own = Proxy::new("http://me:secret@proxy.lan:3128").expect("a proxy");
    let proxy = besides(&own, "localhost, .lan , mirror.org,").expect("the same");
    assert_eq!((proxy.host(), proxy.port(), proxy.username()), ("proxy.lan", 3128, Some("me")));
    let direct = |url: &str| proxy.is_no_proxy(&url.parse().expect("an address"));
    for url in ["http://localhost/a", "https://images.lan/a", "https://mirror.org/a"] {
        assert!(direct(url), "{url}");
    }
    for url in ["https://zenodo.org/a", "https://other.mirror.org/a"] {
        assert!(!direct(url), "{url}");
    }
}
