//! Where two pictures of one board differ.

use madenet_image::Mask;

use crate::Result;
use crate::smt::camera::{differ, visible};
use crate::smt::canvas::Canvas;
use crate::smt::colour::Rgb;

/// How far the faint differences between visible ones reach, in pixels: half of the widest gap that they fill. Of a dark body that has moved
/// every pixel is another one, but a third of them differ by less than one sees: without this its mask is hundreds of
/// specks, and each would count as a region of its own. Grain is in units of the shorter side, hence 1/128 of that.
pub(super) fn closing_radius(canvas: &Canvas) -> usize {
    ((canvas.width().min(canvas.height()) + 64) / 128).max(1)
}

/// Whether no pixel differs visibly.
pub(super) fn same(good: &Canvas, bad: &Canvas) -> bool {
    !good.pixels().iter().zip(bad.pixels()).any(|(good, bad)| visible(*good, *bad))
}

/// Where the two pictures differ visibly, and where they differ at all between places that do, at most `2 * radius` pixels
/// apart. Elsewhere the bad one becomes the good one, so that no anomaly, however faint, lies outside of the mask.
pub(super) fn difference(good: &Canvas, bad: &mut Canvas, radius: usize) -> Result<Mask> {
    let (width, height) = (good.width(), good.height());
    let visible = |(bad, good): (&Rgb, &Rgb)| visible(*good, *bad);
    let strong = Mask::new(width, height, bad.pixels().iter().zip(good.pixels()).map(visible).collect())?;
    let filled = strong.close(radius);
    let mut mask = Vec::with_capacity(strong.data().len());
    let pixels = bad.pixels_mut().iter_mut().zip(good.pixels());
    for ((bad, good), (&strong, &filled)) in pixels.zip(strong.data().iter().zip(filled.data())) {
        let differs = strong || (filled && differ(*bad, *good));
        if !differs {
            *bad = *good;
        }
        mask.push(differs);
    }
    Ok(Mask::new(width, height, mask)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smt::geometry::Pose;

    /// A grey picture and another one that differs from it visibly at `#` and by one code at `+`.
    fn twins(art: &str) -> (Canvas, Canvas) {
        let rows: Vec<&str> = art.split_whitespace().collect();
        let mut good = Canvas::new(rows[0].len(), rows.len(), Pose::IDENTITY);
        good.fill(|_| Rgb::grey(0.5));
        let mut bad = good.clone();
        for (pixel, mark) in bad.pixels_mut().iter_mut().zip(rows.concat().chars()) {
            *pixel = Rgb::grey(match mark {
                '#' => 0.6,
                '+' => 0.507,
                _ => 0.5,
            });
        }
        (good, bad)
    }

    #[track_caller]
    fn assert_mask(art: &str, radius: usize, expected: &str) {
        let (good, mut bad) = twins(art);
        let mask = difference(&good, &mut bad, radius).unwrap();
        assert_eq!(mask, Mask::from_ascii(expected).unwrap());
        let outside = good.pixels().iter().zip(bad.pixels()).zip(mask.data()).filter(|(_, inside)| !**inside);
        assert!(outside.into_iter().all(|((good, bad), _)| good == bad));
    }

    #[test]
    fn faint_differences_between_visible_ones_belong_to_them() {
        let art = "
            ............
            .##++##..+..
            .##+.##..+..
            .##++##.....
            ............";
        assert_mask(
            art,
            1,
            "
            ............
            .******.....
            .***.**.....
            .******.....
            ............",
        );
    }

    #[test]
    fn the_widest_gap_that_is_filled_grows_with_the_radius() {
        let art = "
            ##++++##+++++##
            ##++++##+++++##";
        assert_mask(art, 1, "**....**.....**\n**....**.....**");
        assert_mask(art, 2, "********.....**\n********.....**");
        assert_mask(art, 3, "***************\n***************");
    }

    #[test]
    fn what_is_not_seen_is_no_difference() {
        let (good, bad) = twins(".++.");
        assert!(same(&good, &bad));
        assert_mask(".++.", 2, "....");
        let (good, bad) = twins(".#..");
        assert!(!same(&good, &bad));
    }

    #[test]
    fn the_radius_follows_the_shorter_side() {
        let radius = |width, height| closing_radius(&Canvas::new(width, height, Pose::IDENTITY));
        let sizes = [(32, 32), (96, 96), (256, 256), (512, 512), (1024, 1024), (32, 1024)];
        assert_eq!(sizes.map(|(width, height)| radius(width, height)), [1, 1, 2, 4, 8, 1]);
    }
}
