//! A canvas at four times the printed size, and how it becomes files.
//!
//! plotters' coordinates are integers; at this scale one of them is a fifteenth of a millimetre.

use crate::Error;
use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::{
    Circle, DrawingArea, FontStyle, FontTransform, IntoDrawingArea, IntoFont, PathElement, Polygon,
    RGBColor, Rectangle, SVGBackend,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, TextStyle, register_font};
use resvg::tiny_skia::{Pixmap, Transform};
use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

/// Canvas units of one CSS pixel of the printed figure.
const SCALE: u32 = 4;
/// A column of 90 mm.
pub(crate) const WIDTH: i32 = 340 * SCALE as i32;
/// Font sizes (the em, in canvas units): 8 points for text, 7 for ticks and legends, 6 for notes,
/// 5 for the digest at the foot, at the printed width.
pub(crate) const TEXT: i32 = 43;
pub(crate) const SMALL: i32 = 37;
pub(crate) const TINY: i32 = 32;
pub(crate) const FINE: i32 = 26;

const FAMILY: &str = "Source Sans Pro";
const REGULAR: &[u8] = include_bytes!("../../../fonts/SourceSansPro-Regular.ttf");
const SEMIBOLD: &[u8] = include_bytes!("../../../fonts/SourceSansPro-Semibold.ttf");
/// plotters takes a font's height and writes height / 1.24 as the SVG's font size.
const HEIGHT_PER_EM: f64 = 1.24;

pub(crate) const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
pub(crate) const GREY: RGBColor = RGBColor(0x66, 0x66, 0x66);
pub(crate) const RULE: RGBColor = RGBColor(0xdd, 0xdd, 0xdd);
pub(crate) const BAND: RGBColor = RGBColor(0xf5, 0xf5, 0xf5);
pub(crate) const PAPER: RGBColor = RGBColor(0xff, 0xff, 0xff);

/// The colours of Okabe and Ito (2008, "Color Universal Design"), yellow left out: it does not
/// show on paper. Black stands for the dense network.
pub(crate) const COLOURS: [RGBColor; 6] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x56, 0xb4, 0xe9),
];

/// The shapes of markers, which distinguish series without colour.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    Circle,
    Square,
    Up,
    Diamond,
    Down,
    Cross,
}

pub(crate) const SHAPES: [Shape; 6] = [
    Shape::Circle,
    Shape::Square,
    Shape::Up,
    Shape::Diamond,
    Shape::Down,
    Shape::Cross,
];

/// The shape and colour of a series by its place. When colours repeat, shapes are shifted, so that
/// no two of three dozen series look alike.
pub(crate) fn marker_of(place: usize) -> (Shape, RGBColor) {
    let round = place / COLOURS.len();
    (
        SHAPES[(place + round) % SHAPES.len()],
        COLOURS[place % COLOURS.len()],
    )
}

/// The lengths of dash and gap in canvas units, or `None` for a solid line.
pub(crate) type Dash = Option<(i32, i32)>;

/// A finished drawing that is not yet a file.
pub(crate) struct Drawing {
    svg: String,
    pub height: i32,
    /// Every text that was written, with its position.
    #[allow(dead_code)] // what the tests of every figure look at
    pub words: Vec<Words>,
    /// Shortened labels: the position of each, and its full title.
    pub titles: Vec<Words>,
    /// Every marker of a measured point, without those of the legend.
    #[allow(dead_code)] // as `words`
    pub points: Vec<(i32, i32)>,
    /// The ends of reference lines that cross rows of text.
    #[allow(dead_code)] // as `words`
    pub levels: Vec<Ends>,
    /// The gaps that those lines leave for text.
    #[allow(dead_code)] // as `words`
    pub gaps: Vec<Ends>,
}

/// Two points, or two corners.
pub(crate) type Ends = [(i32, i32); 2];

/// A text on the canvas: the corners of the box that its letters are set in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Words {
    pub text: String,
    pub from: (i32, i32),
    pub to: (i32, i32),
}

/// The position of text relative to its point.
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    Left,
    Centre,
    Right,
}

/// What a figure is drawn on: x to the right, y down, in canvas units.
pub(crate) struct Canvas<'b> {
    area: DrawingArea<SVGBackend<'b>, Shift>,
    words: RefCell<Vec<Words>>,
    titles: RefCell<Vec<Words>>,
    levels: RefCell<Vec<Ends>>,
    gaps: RefCell<Vec<Ends>>,
    points: RefCell<Vec<(i32, i32)>>,
}

type Failed = String;
type Drawn = Result<(), Failed>;

/// Draws on a white canvas of `height` and keeps what was drawn.
pub(crate) fn draw(
    name: &str,
    height: i32,
    paint: impl FnOnce(&Canvas<'_>) -> Drawn,
) -> Result<Drawing, Error> {
    let failed = |message| Error::Draw {
        output: format!("figures/{name}.svg"),
        message,
    };
    fonts().map_err(failed)?;
    let mut svg = String::new();
    let mut drawing = {
        let size = (WIDTH.unsigned_abs(), height.unsigned_abs());
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&PAPER).map_err(|e| failed(e.to_string()))?;
        let canvas = Canvas {
            area,
            words: RefCell::default(),
            titles: RefCell::default(),
            points: RefCell::default(),
            levels: RefCell::default(),
            gaps: RefCell::default(),
        };
        paint(&canvas).map_err(failed)?;
        canvas.area.present().map_err(|e| failed(e.to_string()))?;
        Drawing {
            svg: String::new(),
            height,
            words: canvas.words.into_inner(),
            titles: canvas.titles.into_inner(),
            points: canvas.points.into_inner(),
            levels: canvas.levels.into_inner(),
            gaps: canvas.gaps.into_inner(),
        }
    };
    drawing.svg = svg;
    Ok(drawing)
}

/// Registers the bundled font with plotters, once for each process.
fn fonts() -> Result<(), Failed> {
    static DONE: OnceLock<bool> = OnceLock::new();
    let done = DONE.get_or_init(|| {
        register_font(FAMILY, FontStyle::Normal, REGULAR).is_ok()
            && register_font(FAMILY, FontStyle::Bold, SEMIBOLD).is_ok()
    });
    if *done {
        Ok(())
    } else {
        Err("the bundled font cannot be read".into())
    }
}

impl Canvas<'_> {
    pub fn line(&self, points: &[(i32, i32)], colour: RGBColor, width: u32, dash: Dash) -> Drawn {
        let style = colour.stroke_width(width);
        let drawn = match dash {
            None => self.area.draw(&PathElement::new(points.to_vec(), style)),
            Some((dash, gap)) => {
                let points = points.iter().copied();
                self.area
                    .draw(&DashedPathElement::new(points, dash, gap, style))
            }
        };
        drawn.map_err(|e| e.to_string())
    }

    /// A reference line that may cross rows of text.
    pub fn level(&self, ends: Ends, dash: Dash) -> Drawn {
        self.levels.borrow_mut().push(ends);
        self.line(&ends, INK, 4, dash)
    }

    /// A gap in such a line, for text.
    pub fn gap(&self, ends: Ends, paper: RGBColor) -> Drawn {
        self.gaps.borrow_mut().push(ends);
        self.rectangle(ends[0], ends[1], paper)
    }

    pub fn rectangle(&self, from: (i32, i32), to: (i32, i32), colour: RGBColor) -> Drawn {
        let shape = Rectangle::new([from, to], colour.filled());
        self.area.draw(&shape).map_err(|e| e.to_string())
    }

    pub fn dot(&self, at: (i32, i32), radius: i32, colour: RGBColor) -> Drawn {
        let shape = Circle::new(at, radius, colour.filled());
        self.area.draw(&shape).map_err(|e| e.to_string())
    }

    /// A line with an arrow head at its last point.
    pub fn arrow(&self, points: &[(i32, i32)], colour: RGBColor) -> Drawn {
        let [.., from, tip] = points else {
            return Ok(());
        };
        self.line(points, colour, 4, None)?;
        let [dx, dy] = [f64::from(tip.0 - from.0), f64::from(tip.1 - from.1)];
        let long = dx.hypot(dy).max(1.0);
        let corner = |back: f64, aside: f64| {
            let x = f64::from(tip.0) - (dx * back - dy * aside) / long;
            let y = f64::from(tip.1) - (dy * back + dx * aside) / long;
            (x.round() as i32, y.round() as i32)
        };
        self.polygon(&[*tip, corner(24.0, 11.0), corner(24.0, -11.0)], colour)
    }

    /// A pale area around a line.
    pub fn band(&self, points: &[(i32, i32)], colour: RGBColor) -> Drawn {
        let shape = Polygon::new(points.to_vec(), colour.mix(0.16));
        self.area.draw(&shape).map_err(|e| e.to_string())
    }

    /// The marker of a measured point.
    pub fn point(&self, shape: Shape, at: (i32, i32), colour: RGBColor, hollow: bool) -> Drawn {
        self.points.borrow_mut().push(at);
        self.marker(shape, at, colour, hollow)
    }

    fn polygon(&self, points: &[(i32, i32)], colour: RGBColor) -> Drawn {
        let shape = Polygon::new(points.to_vec(), colour.filled());
        self.area.draw(&shape).map_err(|e| e.to_string())
    }

    /// A marker with a white rim, which separates it from lines. A `hollow` marker has a white
    /// centre.
    pub fn marker(&self, shape: Shape, at: (i32, i32), colour: RGBColor, hollow: bool) -> Drawn {
        const RADIUS: i32 = 11;
        self.shape(shape, at, RADIUS + 3, PAPER)?;
        self.shape(shape, at, RADIUS, colour)?;
        if hollow {
            self.shape(shape, at, RADIUS - 4, PAPER)?;
        }
        Ok(())
    }

    fn shape(&self, shape: Shape, (x, y): (i32, i32), r: i32, colour: RGBColor) -> Drawn {
        // Sizes that look equal: a square is narrower than a circle, a triangle larger.
        let (square, point) = (r * 9 / 10, r * 6 / 5);
        match shape {
            Shape::Circle => self.dot((x, y), r, colour),
            Shape::Square => {
                self.rectangle((x - square, y - square), (x + square, y + square), colour)
            }
            Shape::Up => {
                let base = y + point * 3 / 4;
                self.polygon(
                    &[(x, y - point), (x + point, base), (x - point, base)],
                    colour,
                )
            }
            Shape::Down => {
                let base = y - point * 3 / 4;
                self.polygon(
                    &[(x, y + point), (x - point, base), (x + point, base)],
                    colour,
                )
            }
            Shape::Diamond => {
                let corners = [
                    (x, y - point),
                    (x + point, y),
                    (x, y + point),
                    (x - point, y),
                ];
                self.polygon(&corners, colour)
            }
            Shape::Cross => {
                let arm = r / 3;
                self.rectangle((x - r, y - arm), (x + r, y + arm), colour)?;
                self.rectangle((x - arm, y - r), (x + arm, y + r), colour)
            }
        }
    }

    /// Text that is vertically centred at `at`.
    pub fn text(
        &self,
        text: &str,
        at: (i32, i32),
        size: i32,
        colour: RGBColor,
        to: Anchor,
    ) -> Drawn {
        self.place(text, at, width(text, size), size, to);
        self.write(text, at, style(size, FontStyle::Normal, colour, to))
    }

    /// As [`Canvas::text`], in semibold.
    pub fn heading(&self, text: &str, at: (i32, i32), size: i32, to: Anchor) -> Drawn {
        self.place(text, at, width(text, size) * 21 / 20, size, to);
        self.write(text, at, style(size, FontStyle::Bold, INK, to))
    }

    /// Text that reads upwards, centred at `at`.
    pub fn upwards(
        &self,
        text: &str,
        at: (i32, i32),
        size: i32,
        colour: RGBColor,
        to: Anchor,
    ) -> Drawn {
        let long = width(text, size);
        let (up, down) = match to {
            Anchor::Left => (long, 0),
            Anchor::Centre => (long / 2, long / 2),
            Anchor::Right => (0, long),
        };
        self.words.borrow_mut().push(Words {
            text: text.to_owned(),
            from: (at.0 - size / 3, at.1 - up),
            to: (at.0 + size / 3, at.1 + down),
        });
        let style = style(size, FontStyle::Normal, colour, to);
        self.write(text, at, style.transform(FontTransform::Rotate270))
    }

    /// Adds the full title of the label that was written last to the SVG, if the label is
    /// shortened.
    pub fn titled(&self, lines: &[String], title: &str) {
        if lines.join(" ") == title {
            return;
        }
        let words = self.words.borrow();
        let own = &words[words.len().saturating_sub(lines.len())..];
        let Some(first) = own.first() else {
            return;
        };
        let around = own.iter().fold(first.clone(), |all, one| Words {
            text: title.to_owned(),
            from: (all.from.0.min(one.from.0), all.from.1.min(one.from.1)),
            to: (all.to.0.max(one.to.0), all.to.1.max(one.to.1)),
        });
        self.titles.borrow_mut().push(around);
    }

    /// Records the position of a line of text. Letters fill two thirds of the em.
    fn place(&self, text: &str, (x, y): (i32, i32), wide: i32, size: i32, to: Anchor) {
        let from = match to {
            Anchor::Left => x,
            Anchor::Centre => x - wide / 2,
            Anchor::Right => x - wide,
        };
        self.words.borrow_mut().push(Words {
            text: text.to_owned(),
            from: (from, y - size / 3),
            to: (from + wide, y + size / 3),
        });
    }

    fn write(&self, text: &str, at: (i32, i32), style: TextStyle<'_>) -> Drawn {
        self.area
            .draw_text(text, &style, at)
            .map_err(|e| e.to_string())
    }
}

fn style(size: i32, weight: FontStyle, colour: RGBColor, to: Anchor) -> TextStyle<'static> {
    let horizontal = match to {
        Anchor::Left => HPos::Left,
        Anchor::Centre => HPos::Center,
        Anchor::Right => HPos::Right,
    };
    let font = (FAMILY, f64::from(size) * HEIGHT_PER_EM)
        .into_font()
        .style(weight);
    TextStyle {
        font,
        color: colour.to_backend_color(),
        pos: Pos::new(horizontal, VPos::Center),
    }
}

/// The width of a line of text in canvas units.
pub(crate) fn width(text: &str, size: i32) -> i32 {
    let style = style(size, FontStyle::Normal, INK, Anchor::Left);
    let measured = fonts().ok().and_then(|()| style.font.layout_box(text).ok());
    // If the bundled font gives no width, half an em for each letter is close enough.
    measured.map_or(text.chars().count() as i32 * size / 2, |(_, (x, _))| x)
}

/// The text, or as much of it as fits, followed by an ellipsis.
pub(crate) fn fit(text: &str, size: i32, room: i32) -> String {
    let mut fitted = text.to_owned();
    let mut left = text.chars().count();
    while width(&fitted, size) > room && left > 1 {
        left -= 1;
        let start: String = text.chars().take(left).collect();
        fitted = format!("{}…", start.trim_end());
    }
    fitted
}

/// The text in one line, or in two lines that are divided between words. If it still does not fit,
/// it ends with an ellipsis.
pub(crate) fn fit_two(text: &str, size: i32, room: i32) -> Vec<String> {
    let whole = width(text, size) <= room;
    let parts = text
        .match_indices(' ')
        .map(|(at, _)| (&text[..at], &text[at + 1..]));
    let broken = parts
        .take_while(|(first, _)| width(first, size) <= room)
        .last();
    match broken {
        Some((first, rest)) if !whole => vec![first.to_owned(), fit(rest, size, room)],
        _ => vec![fit(text, size, room)],
    }
}

/// The text in as many lines as it needs, divided between words, and within a word only if the word
/// is longer than a line.
pub(crate) fn wrap(text: &str, size: i32, room: i32) -> Vec<String> {
    if width(text, size) <= room {
        return vec![text.to_owned()];
    }
    let mut lines: Vec<String> = vec![String::new()];
    let mut add = |piece: &str, space: &str| {
        let longer = lines.last().map(|line| {
            if line.is_empty() {
                piece.to_owned()
            } else {
                format!("{line}{space}{piece}")
            }
        });
        let fits = longer.filter(|line| width(line, size) <= room);
        match (fits, lines.last_mut()) {
            (Some(longer), Some(line)) => *line = longer,
            _ => lines.push(piece.to_owned()),
        }
    };
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if width(word, size) <= room {
            add(word, " ");
            continue;
        }
        for (i, letter) in word.chars().enumerate() {
            add(&letter.to_string(), if i == 0 { " " } else { "" });
        }
    }
    lines.retain(|line| !line.is_empty());
    lines
}

/// The SVG and the PNG of a drawing.
pub(crate) fn render(
    name: &str,
    title: &str,
    drawing: &Drawing,
) -> Result<(Vec<u8>, Vec<u8>), Error> {
    let failed = |what: String| Error::Draw {
        output: format!("figures/{name}"),
        message: what,
    };
    let mut fonts = usvg::fontdb::Database::new();
    fonts.load_font_data(REGULAR.to_vec());
    fonts.load_font_data(SEMIBOLD.to_vec());
    let options = usvg::Options {
        font_family: FAMILY.into(),
        fontdb: Arc::new(fonts),
        ..usvg::Options::default()
    };
    let tree = usvg::Tree::from_str(&drawing.svg, &options).map_err(|e| failed(e.to_string()))?;
    let mut pixels = Pixmap::new(WIDTH.unsigned_abs(), drawing.height.unsigned_abs())
        .ok_or_else(|| failed(format!("a canvas of height {} is empty", drawing.height)))?;
    resvg::render(&tree, Transform::identity(), &mut pixels.as_mut());
    let png = pixels.encode_png().map_err(|e| failed(e.to_string()))?;
    let svg = tree.to_string(&usvg::WriteOptions {
        coordinates_precision: 2,
        transforms_precision: 2,
        ..usvg::WriteOptions::default()
    });
    let svg = printed(&svg, title, drawing).map_err(failed)?;
    Ok((svg.into_bytes(), png))
}

/// Adds what the writer of usvg leaves out: the printed size, the title of the figure, and the full
/// titles of shortened labels.
fn printed(svg: &str, title: &str, drawing: &Drawing) -> Result<String, Failed> {
    let height = drawing.height;
    let size = format!("width=\"{WIDTH}\" height=\"{height}\"");
    let scale = SCALE as i32;
    let (before, after) = svg
        .split_once(&size)
        .ok_or_else(|| format!("the SVG writer did not spell the size as `{size}`"))?;
    let (attributes, content) = after
        .split_once('>')
        .ok_or_else(|| "the SVG has no content".to_owned())?;
    let (content, end) = content
        .rsplit_once("</svg>")
        .ok_or_else(|| "the SVG has no end".to_owned())?;
    let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
    let title = escaped(title);
    let titles = drawing.titles.iter().map(|words| {
        let (x, y) = words.from;
        format!(
            "<rect x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" fill=\"none\" \
             pointer-events=\"all\"><title>{}</title></rect>",
            words.to.0 - x,
            words.to.1 - y,
            escaped(&words.text)
        )
    });
    let titles: String = titles.collect();
    Ok(format!(
        "{before}width=\"{}\" height=\"{}\" viewBox=\"0 0 {WIDTH} {height}\"{attributes}>\
         <title>{title}</title>{content}{titles}</svg>{end}",
        WIDTH / scale,
        height / scale
    ))
}

#[cfg(test)]
mod tests {
    use super::{COLOURS, SHAPES, marker_of};

    #[test]
    fn no_two_of_three_dozen_series_look_alike() {
        let most = COLOURS.len() * SHAPES.len();
        let look = |place| format!("{:?}", marker_of(place));
        let all: std::collections::BTreeSet<String> = (0..most).map(look).collect();
        assert_eq!(all.len(), most);
        assert_eq!(look(most), look(0));
    }
}
