mod anatomy;
mod canvas;
mod draw;
mod exposure;
mod findings;
mod label_model;
mod patient;

use draw::*;
pub fn quick(seed: u64, index: u64, side: usize) -> Vec<u8> {
    let p = patient::Patient::new(&mut Draw::new(seed, index, Topic::Patient));
    let v = p.view(side);
    let a = anatomy::Anatomy::new(&p, &v, &mut Draw::new(seed, index, Topic::Markings));
    let e = findings::Effects::none(side);
    exposure::Exposure::new(seed, index).develop(&p, &v, &a, &e)
}
