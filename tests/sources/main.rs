//! Images from NIH's folder, from tables of all shapes, from DICOM, from archives larger than memory: what the binary
//! makes of them, and what it says of those it can't use.

#[path = "../support/mod.rs"]
mod support;

mod cases;
mod nih;
mod public;
mod reading;
mod tables;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use support::{chestxr, json, only_run, real_images, stderr, stdout};

/// A place for images, tables, runs and the cache of one test.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The program with a cache of its own.
    fn program(&self) -> Command {
        let mut command = chestxr(&self.path("runs"));
        command.env("XDG_CACHE_HOME", self.path("cache")).env("HOME", self.path("home"));
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.program().args(args).output().expect("the program runs")
    }

    /// `data info` as JSON.
    fn info(&self, args: &[&str]) -> Value {
        let output = self.run(&[&["data", "info", "--json"], args].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        serde_json::from_str(&stdout(&output)).expect("one object")
    }

    /// The sentence and exit code of what fails.
    fn refusal(&self, args: &[&str]) -> (String, Option<i32>) {
        let output = self.run(&[&["data", "info"], args].concat());
        let said = stderr(&output);
        assert_eq!(said.lines().count(), 1, "one sentence: {said}");
        (said, output.status.code())
    }

    /// An image of `side` x `side` px with a pattern of its own.
    fn image(&self, name: &str, side: u32, seed: u32) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        let image = image::GrayImage::from_fn(side, side, |x, y| {
            image::Luma([((x * (3 + seed % 7) + y * (5 + seed % 11)) ^ (seed * 37)) as u8])
        });
        image.save(path).expect("written");
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }

    /// Sixty images of thirty patients in a table with columns of 0 and 1.
    fn table(&self) -> String {
        let mut text = String::from("Path,PatientID,Gender,Age,AP/PA,Fracture,Edema,No Finding\n");
        for image in 0..60_u32 {
            self.image(&format!("images/{image}.png"), 40, image);
            let (fracture, edema) = (u32::from(image % 3 == 0), u32::from(image % 5 == 0));
            let normal = u32::from(fracture + edema == 0);
            let (sex, view) = (["F", "M"][image as usize % 2], ["PA", "AP"][image as usize % 2]);
            text += &format!(
                "images/{image}.png,p{},{sex},{},{view},{fracture},{edema},{normal}\n",
                image / 2,
                20 + image
            );
        }
        self.write("images.csv", &text);
        format!("csv:{}", self.path("images.csv").display())
    }
}
