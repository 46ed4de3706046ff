use super::*;

type Case = (&'static [u8], [i64; 4], i64, &'static [u8]);

/// 8 rows of 9 grey pixels, top, left, height and width of a window, the side wanted, and what
/// Pillow 13.0 makes of them: `Image.frombytes("L", …).crop(…).resize(…, Image.BILINEAR)`.
#[rustfmt::skip]
const PILLOW: [Case; 3] = [
    (&[130, 183, 14, 238, 127, 26, 80, 57, 190, 240, 126, 194, 52, 127, 6, 110, 208, 143, 93, 199, 81, 36, 71, 227, 64, 67, 0, 2, 107, 110, 84, 85, 148, 160, 101, 104, 93, 100, 196, 152, 11, 184, 212, 84, 74, 135, 33, 169, 154, 1, 173, 33, 158, 181, 156, 246, 161, 94, 246, 241, 90, 29, 131, 11, 183, 206, 9, 214, 187, 192, 4, 231], [1, 2, 6, 6], 5, &[144, 73, 85, 83, 161, 83, 62, 138, 134, 83, 146, 93, 108, 179, 113, 174, 100, 91, 126, 124, 151, 138, 210, 131, 61]),
    (&[23, 92, 100, 60, 125, 236, 176, 181, 128, 236, 55, 188, 151, 18, 221, 46, 106, 174, 185, 75, 174, 141, 47, 159, 162, 156, 90, 40, 76, 158, 247, 82, 24, 41, 207, 16, 121, 176, 128, 233, 215, 74, 28, 16, 252, 171, 106, 66, 67, 211, 54, 86, 222, 190, 76, 30, 215, 150, 72, 232, 86, 232, 249, 162, 245, 140, 149, 240, 206, 75, 57, 193], [0, 0, 8, 9], 6, &[85, 107, 93, 175, 154, 148, 156, 139, 112, 128, 123, 132, 87, 141, 166, 72, 106, 102, 135, 134, 185, 108, 62, 167, 103, 113, 123, 136, 140, 223, 153, 167, 164, 191, 104, 172]),
    (&[91, 255, 173, 92, 45, 251, 139, 184, 32, 182, 17, 156, 186, 143, 248, 135, 150, 174, 91, 5, 242, 128, 166, 140, 237, 147, 182, 178, 140, 176, 209, 179, 88, 230, 186, 171, 72, 85, 101, 185, 244, 144, 40, 213, 87, 215, 154, 138, 14, 100, 81, 225, 92, 112, 92, 21, 241, 115, 84, 27, 68, 56, 162, 92, 247, 99, 18, 212, 238, 179, 194, 36], [2, 3, 4, 3], 7, &[128, 133, 150, 166, 155, 144, 140, 157, 159, 165, 171, 150, 129, 121, 203, 200, 189, 178, 141, 104, 92, 197, 199, 206, 212, 171, 130, 116, 173, 181, 208, 234, 193, 153, 140, 75, 86, 119, 151, 131, 110, 104, 14, 26, 63, 100, 92, 84, 81]),
];

fn bytes(t: &Tensor) -> Vec<u8> {
    let values = Vec::<f64>::try_from(&t.contiguous().view([-1])).unwrap();
    values.iter().map(|&v| v as u8).collect()
}

#[test]
fn every_pixel_is_pillows_and_a_flip_mirrors_it() {
    for (grey, [top, left, height, width], side, expected) in PILLOW {
        // Two images in two channels: the second image and the second channel are inverted.
        let pixels: Vec<u8> = grey.iter().flat_map(|&p| [p, 255 - p]).collect();
        let other: Vec<u8> = pixels.iter().map(|p| 255 - p).collect();
        let images = Tensor::from_slice(&[pixels, other].concat()).view([2, 8, 9, 2]);
        let window = Window {
            top,
            left,
            height,
            width,
        };
        let flipped = Tensor::from_slice(&[false, true]);
        let found = resized(&images, &[window; 2], Some(&flipped), [side; 2]).unwrap();
        assert_eq!(found.size(), [2, side, side, 2]);
        let channel = |image: i64, c: i64| found.get(image).select(2, c);
        assert_eq!(bytes(&channel(0, 0)), expected);
        assert_eq!(bytes(&channel(1, 1).flip([1])), expected);
        assert_ne!(bytes(&channel(0, 1)), expected);
    }
}

#[test]
fn windows_have_the_areas_shapes_and_places_asked_for() {
    let (key, side) = (Key::from_seed(9), 200);
    let drawn: Vec<Window> = (0..4000)
        .map(|row| Window::draw([side; 2], 0.08, key, row))
        .collect();
    let mut areas = Vec::new();
    for w in &drawn {
        assert!(w.top >= 0 && w.left >= 0 && w.top + w.height <= side && w.left + w.width <= side);
        let shape = w.width as f64 / w.height as f64;
        // Sides are whole: a pixel of 49 is 2 %.
        assert!((0.73..1.37).contains(&shape), "{w:?}");
        let area = (w.width * w.height) as f64 / f64::from(200 * 200);
        assert!(area > 0.075, "{w:?}");
        areas.push(area);
    }
    // Uniform from 0.08 to 1, each taken with the share of shapes that fit: all up to 3/4,
    // ln(1/a) / ln(4/3) above. The mean of that law is 0.478.
    let mean = areas.iter().sum::<f64>() / areas.len() as f64;
    assert!((mean - 0.478).abs() < 0.015, "{mean}");
    let wide = drawn.iter().filter(|w| w.width > w.height).count();
    assert!((1850..2150).contains(&wide), "{wide}");
    let first = drawn
        .iter()
        .filter(|w| w.top < side - w.height - w.top)
        .count();
    assert!((1850..2150).contains(&first), "{first}");
    assert_eq!(drawn[7], Window::draw([side; 2], 0.08, key, 7));
    assert_ne!(drawn[7], Window::draw([side; 2], 0.08, key.fold(1), 7));
}

#[test]
fn where_no_window_fits_it_is_the_largest_in_the_middle() {
    // A line of pixels: no shape of 3/4 to 4/3 has an area of all of it.
    let found = Window::draw([2, 40], 1.0, Key::from_seed(1), 0);
    assert_eq!(
        found,
        Window {
            top: 0,
            left: 18,
            height: 2,
            width: 3
        }
    );
    let found = Window::draw([40, 2], 1.0, Key::from_seed(1), 0);
    assert_eq!(
        found,
        Window {
            top: 18,
            left: 0,
            height: 3,
            width: 2
        }
    );
}
