//! Rotation, scale, shear and shift together, in the order of albumentations' `Affine`
//! (`ShiftScaleRotate` there is the same without shear): about the centre, first scale, then rotation
//! (counter-clockwise as seen), then shear, then the shift.

use super::Transform;
use crate::augment::{Affine, Step};

pub const TRANSFORM: Transform = Transform {
    name: "affine",
    label: "affine",
    settings: &["augment.affine_p", "augment.rotate", "augment.shift", "augment.scale", "augment.shear"],
    probability: |section| section.affine_p,
    draw: |plan, rng, draw| {
        let section = plan.section();
        let angle = rng.around(section.rotate);
        let shift = [rng.around(section.shift), rng.around(section.shift)];
        let wide = 1.0 + rng.around(section.scale);
        let tall = 1.0 + rng.around(section.scale);
        let tall = if plan.keep_ratio() { wide } else { tall };
        let shear = [rng.around(section.shear), rng.around(section.shear)];
        let (height, width) = draw.size;
        let [right, down] = [shift[0] * width as f64, shift[1] * height as f64];
        let map = matrix(angle, [wide, tall], shear, [right, down], draw.size);
        draw.steps.push(Step::Move(map));
        // NaN stands for what isn't shown: a second scale or a shear that the settings don't have.
        let shown = |value: f64, wanted: bool| if wanted { value } else { f64::NAN };
        let sheared = section.shear > 0.0;
        draw.caption(
            &[
                angle,
                right,
                down,
                wide,
                shown(tall, !plan.keep_ratio()),
                shown(shear[0], sheared),
                shown(shear[1], sheared),
            ],
            |[angle, right, down, wide, tall, shear_x, shear_y]| {
                let mut text = format!("rotate {angle:.1}°, shift {right:.1},{down:.1} px, scale {wide:.2}");
                if !tall.is_nan() {
                    text += &format!("x{tall:.2}");
                }
                if !shear_x.is_nan() {
                    text += &format!(", shear {shear_x:.1},{shear_y:.1}°");
                }
                text
            },
        );
    },
};

/// The map of an angle and shears in degrees, scales, and a shift in pixels, on an image of this height and
/// width.
pub fn matrix(
    angle: f64,
    [wide, tall]: [f64; 2],
    shear: [f64; 2],
    [right, down]: [f64; 2],
    size: (usize, usize),
) -> Affine {
    let linear = |a, b, d, e| Affine { a, b, d, e, ..Affine::IDENTITY };
    let (sin, cos) = angle.to_radians().sin_cos();
    let [x, y] = shear.map(|degrees| degrees.to_radians().tan());
    let joined = linear(wide, 0.0, 0.0, tall).then(linear(cos, sin, -sin, cos)).then(linear(1.0, x, y, 1.0));
    Affine::about_centre([joined.a, joined.b, joined.d, joined.e], size).then(Affine::shift(right, down))
}
