use super::*;
use crate::config::{AugmentSection, Preset};
use crate::dataset::phantom;

/// Images, labels, and an order in which two images come twice.
fn parts() -> (Images, Labels, Epoch) {
    let (images, labels) = phantom::images(1, 0, 42, 32).expect("a size in range");
    let mut order = shuffled(images.len(), 3, 2);
    order[1] = order[0];
    order[7] = order[5];
    (images, labels, Epoch::new(order, 8, 3, 2))
}

/// Every transform at once.
fn plan() -> AugmentPipeline {
    AugmentPipeline::new(&AugmentSection {
        preset: Preset::Custom,
        hflip_p: 0.5,
        affine_p: 0.5,
        brightness_contrast_p: 0.5,
        gamma_p: 0.5,
        noise_p: 0.5,
        blur_p: 0.5,
        cutout_p: 0.5,
        ..AugmentSection::default()
    })
}

fn all(mut loader: DataLoader) -> (Tensor, Tensor) {
    let (mut images, mut targets) = (Vec::new(), Vec::new());
    while let Some((x, y)) = loader.next_batch().expect("a batch") {
        images.push(x);
        targets.push(y);
    }
    (Tensor::cat(&images, 0), Tensor::cat(&targets, 0))
}

#[test]
fn batches_are_the_same_to_the_bit_however_they_are_made() {
    let (images, labels, epoch) = parts();
    let resident = Rc::new(Resident::upload(&images, &labels, Device::Cpu).expect("memory"));
    let start = |augmentation: &Augmentation, placement: &Placement, first| {
        let (epoch, labels) = (epoch.clone(), Some(&labels));
        DataLoader::start(&images, labels, epoch, first, augmentation, placement, Device::Cpu)
            .expect("threads")
    };
    let none = Augmentation::None;
    for augmentation in [none, Augmentation::OnHost(plan()), Augmentation::OnDevice(plan())] {
        let (x, y) = all(start(&augmentation, &Placement::Inline, 0));
        assert_eq!(x.size()[0], epoch.order().len() as i64);
        assert!(f64::try_from(x.abs().max()).expect("a number") <= 1.0);
        let rows = epoch.order().iter().flat_map(|image| labels.row(*image)).map(|label| f32::from(*label));
        assert_eq!(Vec::<f32>::try_from(y.view(-1)).expect("floats"), rows.collect::<Vec<f32>>());
        let mut placements = vec![Placement::Workers(1), Placement::Workers(3)];
        if !matches!(augmentation, Augmentation::OnHost(_)) {
            // Images that lie on a device are augmented there.
            placements.push(Placement::Resident(Rc::clone(&resident)));
        }
        for placement in placements {
            let (others, targets) = all(start(&augmentation, &placement, 0));
            assert!(x.equal(&others) && y.equal(&targets));
            // As after a stop in mid-epoch.
            let (others, targets) = all(start(&augmentation, &placement, 2));
            assert!(x.slice(0, 16, None, 1).equal(&others) && y.slice(0, 16, None, 1).equal(&targets));
        }
    }
}

#[test]
fn grey_levels_that_leave_the_host_become_what_the_host_would_have_made_of_them() {
    let (images, labels, epoch) = parts();
    let normalizer = DeviceNormalizer::new(Device::Cpu).expect("memory");
    for augment in [None, Some(plan())] {
        let work = |normalise| HostWork {
            images: images.clone(),
            labels: Some(labels.clone()),
            augment: augment.clone(),
            normalise,
            pinned: false,
        };
        for number in 0..epoch.batches() {
            let made =
                |normalise| Collator::new(&work(normalise)).make(&epoch, number).expect("a batch").images;
            let (greys, floats) = (made(false), made(true));
            assert_eq!((greys.kind(), floats.kind()), (tch::Kind::Uint8, tch::Kind::Float));
            assert!(normalizer.apply(&greys).expect("floats").equal(&floats));
        }
    }
}

#[test]
fn a_batch_of_chosen_images_holds_them_normalised_with_their_labels() {
    let images = Images::new(vec![0, 255, 51, 204, 255, 255, 0, 0], 2, 2).expect("two images");
    let labels = Labels::new(vec![0, 1, crate::label::UNKNOWN, 0], 2).expect("two rows");
    let (x, y) = batch_of(&images, Some(&labels), &[1, 0], Device::Cpu).expect("a batch");
    assert_eq!(x.size(), [2, 1, 2, 2]);
    let values: Vec<f32> = Vec::try_from(x.flatten(0, -1)).expect("floats");
    let expected = [1.0, 1.0, -1.0, -1.0, -1.0, 1.0, -0.6, 0.6];
    assert!(values.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{values:?}");
    assert_eq!(Vec::<f32>::try_from(y.flatten(0, -1)).expect("floats"), [-1.0, 0.0, 0.0, 1.0]);
    let (_, without) = batch_of(&images, None, &[0], Device::Cpu).expect("a batch");
    assert_eq!(without.size(), [1, 0]);
    assert!(batch_of(&images, None, &[], Device::Cpu).is_err());
}
