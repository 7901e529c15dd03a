use super::*;

fn named(name: &str) -> RunConfig {
    let mut config = RunConfig::default();
    config.run.name = name.to_owned();
    config
}

fn names(queue: &Queue) -> Vec<String> {
    let all = queue.list().expect("readable");
    all.into_iter().map(|waiting| waiting.config.map_or_else(|why| why, |c| c.run.name.clone())).collect()
}

fn at(queue: &Queue, place: usize) -> Waiting {
    queue.list().expect("readable").swap_remove(place)
}

#[test]
fn runs_wait_in_order_and_can_be_moved_and_removed() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let queue = Queue::of(runs.path());
    assert!(queue.list().expect("nothing yet").is_empty());
    let numbers = ["a", "b", "c"].map(|name| queue.add(&named(name)).expect("added"));
    assert_eq!(numbers, [1, 2, 3]);
    let (a, b, c) = (at(&queue, 0), at(&queue, 1), at(&queue, 2));
    queue.swap(&b, &c).expect("both there");
    assert_eq!(names(&queue), ["a", "c", "b"]);
    assert!(queue.swap(&b, &c).is_err(), "neither is where it was");
    assert!(queue.remove(&b).is_err(), "another run has its number");
    queue.remove(&a).expect("removed");
    queue.remove(&a).expect("gone already");
    assert_eq!(names(&queue), ["c", "b"]);
    assert!(queue.swap(&at(&queue, 0), &a).is_err());
    assert_eq!(names(&queue), ["c", "b"], "nothing is lost when one isn't there");
    queue.remove(&at(&queue, 1)).expect("removed");
    assert_eq!(queue.add(&named("d")).expect("added"), 4, "a number is given once");
    assert!(super::super::list(runs.path()).expect("a list").is_empty(), "what waits is no run yet");
}

#[test]
fn one_process_takes_at_a_time() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let queue = Queue::of(runs.path());
    let turn = queue.try_lock().expect("lockable");
    assert!(turn.is_some() && queue.try_lock().expect("lockable").is_none());
    drop(turn);
    assert!(queue.try_lock().expect("lockable").is_some());
}

#[test]
fn what_is_taken_leaves_the_queue_when_it_has_begun_and_waits_again_when_it_has_not() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let queue = Queue::of(runs.path());
    for name in ["a", "b", "c"] {
        queue.add(&named(name)).expect("added");
    }
    let turn = queue.try_lock().expect("lockable").expect("free");
    let claim = |turn: &QueueLock| turn.claim().expect("readable").expect("one waits");
    let first = claim(&turn);
    assert_eq!((first.config.run.name.as_str(), names(&queue)), ("a", vec!["b".into(), "c".into()]));
    queue.swap(&at(&queue, 0), &at(&queue, 1)).expect("both there");
    first.begun().expect("removed");
    assert_eq!(names(&queue), ["c", "b"], "what was moved meanwhile is there");
    claim(&turn).put_back().expect("moved");
    assert_eq!(names(&queue), ["c", "b"]);
    claim(&turn).failed("no images\nthere").expect("written");
    assert_eq!(at(&queue, 0).failed.as_deref(), Some("no images there"));
    let next = claim(&turn);
    assert_eq!(next.config.run.name, "b", "what failed is passed over");
    assert!(turn.claim().expect("readable").is_none());
    // A process that ends with a run taken.
    drop((next, turn));
    assert_eq!(names(&queue), ["c", "b"]);
    queue.try_anew().expect("written");
    let turn = queue.try_lock().expect("lockable").expect("free");
    assert_eq!(*claim(&turn).config, named("c"));
}

#[test]
fn a_swap_that_broke_off_loses_nothing() {
    for renamed in [1, 2] {
        let runs = tempfile::tempdir().expect("a temporary folder");
        let queue = Queue::of(runs.path());
        for name in ["a", "b"] {
            queue.add(&named(name)).expect("added");
        }
        let path = |number| queue.path(number, Kind::Waiting);
        fs::rename(path(1), queue.folder.join(".swap-1-2")).expect("moved");
        if renamed == 2 {
            fs::rename(path(2), path(1)).expect("moved");
        }
        let expected = if renamed == 2 { ["b", "a"] } else { ["a", "b"] };
        assert_eq!(names(&queue), expected);
        assert_eq!(queue.add(&named("c")).expect("added"), 3);
    }
}

#[test]
fn what_is_no_configuration_waits_with_what_is_wrong() {
    let runs = tempfile::tempdir().expect("a temporary folder");
    let queue = Queue::of(runs.path());
    queue.add(&named("good")).expect("added");
    fs::write(queue.path(2, Kind::Waiting), "[optimizer]\nlr = -1\n").expect("written");
    fs::write(queue.folder.join("3.toml"), "").expect("written");
    assert_eq!(names(&queue)[0], "good");
    assert!(names(&queue)[1].contains("optimizer.lr"), "{:?}", names(&queue));
    assert_eq!(names(&queue).len(), 2);
}
