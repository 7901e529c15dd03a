//! A first layer for colours becomes one for grey images.

use std::collections::HashMap;

use tch::{Kind, TchError, Tensor};

use crate::config::Gray;

/// What torchvision takes off each colour of a picture in 0..=1, and divides it by, before its networks.
const IMAGENET_MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const IMAGENET_DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// Replaces the filters `filters` (`O,3,k,k`) by grey ones (`O,1,k,k`) for images `g` in -1..=1.
///
/// - `sum`: what the filters give for the grey picture `x = (g + 1) / 2` in all three colours, normalised as
///   for ImageNet. `sum_c w_c (x - m_c) / s_c` is `sum_c w_c / (2 s_c) * g` plus the constant
///   `sum_c w_c (1/2 - m_c) / s_c`, which goes into the running mean `mean` of the batch norm behind. Exact but
///   for the places where the filter reaches over the image's edge: there both pad with their own 0.
/// - `mean`: the mean of the three, for weights whose pictures were normalised in some other way.
pub fn fold(
    given: &mut HashMap<String, Tensor>,
    filters: &str,
    mean: &str,
    gray: Gray,
) -> Result<(), TchError> {
    let Some(colours) = given.get(filters) else { return Ok(()) };
    let colours = colours.f_to_kind(Kind::Float)?;
    let grey = match gray {
        Gray::Mean => colours.f_mean_dim([1_i64].as_slice(), true, Kind::Float)?,
        Gray::Sum => {
            let by_colour = |values: [f32; 3]| Tensor::f_from_slice(&values)?.f_view([1, 3, 1, 1]);
            let scaled = colours.f_div(&by_colour(IMAGENET_DEVIATION)?)?;
            let offset = by_colour(IMAGENET_MEAN.map(|mean| 0.5 - mean))?;
            let constant =
                scaled.f_mul(&offset)?.f_sum_dim_intlist([1_i64, 2, 3].as_slice(), false, Kind::Float)?;
            if let Some(running) = given.get(mean) {
                let moved = running.f_to_kind(Kind::Float)?.f_sub(&constant)?;
                given.insert(mean.to_owned(), moved);
            }
            scaled.f_sum_dim_intlist([1_i64].as_slice(), true, Kind::Float)?.f_div_scalar(2.0)?
        }
    };
    given.insert(filters.to_owned(), grey);
    Ok(())
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;

    /// Random filters and a random grey image, by libtorch's own convolution and batch norm.
    #[test]
    fn summed_filters_give_what_three_colours_gave() {
        tch::manual_seed(3);
        let on = (Kind::Float, Device::Cpu);
        let colours = Tensor::randn([8, 3, 7, 7], on);
        let running = Tensor::randn([8], on);
        let image = Tensor::rand([2, 1, 20, 20], on);
        let [mean, deviation] =
            [IMAGENET_MEAN, IMAGENET_DEVIATION].map(|values| Tensor::from_slice(&values).view([1, 3, 1, 1]));
        let coloured = (image.expand([2, 3, 20, 20], false) - mean) / deviation;
        let after = |filters: &Tensor, running: &Tensor, images: &Tensor| {
            // Only places where the filter lies within the image.
            let out = images.conv2d(filters, None::<&Tensor>, [1, 1], [0, 0], [1, 1], 1);
            let variance = Tensor::ones([8], on);
            out.batch_norm(
                None::<&Tensor>,
                None::<&Tensor>,
                Some(running),
                Some(&variance),
                false,
                0.1,
                1e-5,
                false,
            )
        };
        let expected = after(&colours, &running, &coloured);

        let mut given = HashMap::from([("f".to_owned(), colours.copy()), ("m".to_owned(), running.copy())]);
        fold(&mut given, "f", "m", Gray::Sum).expect("folded");
        assert_eq!(given["f"].size(), [8, 1, 7, 7]);
        let ours = after(&given["f"], &given["m"], &(2.0 * &image - 1.0));
        let worst = f64::try_from((&ours - &expected).abs().max()).expect("a number");
        assert!(worst < 1e-4, "{worst}");
        assert!(f64::try_from(expected.abs().max()).expect("a number") > 1.0);

        let mut given = HashMap::from([("f".to_owned(), colours.copy()), ("m".to_owned(), running.copy())]);
        fold(&mut given, "f", "m", Gray::Mean).expect("folded");
        let mean = colours.mean_dim([1_i64].as_slice(), true, Kind::Float);
        assert!(given["f"].equal(&mean) && given["m"].equal(&running));
    }
}
