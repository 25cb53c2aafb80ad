//! Where charts are drawn: SVG by `plotters`, with classes of the page's style sheet instead of colours.
//!
//! `plotters` writes colours into every element, which could not follow a reader's dark screen or a printer. Each
//! [`Ink`] is therefore drawn in a colour that stands for its class, and replaced afterwards. This cannot touch what
//! is written in a chart, because `plotters` escapes quotation marks there.

use plotters::coord::Shift;
use plotters::element::{Circle, PathElement, Polygon, Rectangle, Text};
use plotters::prelude::{DrawingArea, IntoDrawingArea, IntoFont, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, RGBColor, TextStyle};

use crate::text::columns_of;
use crate::typeset::minus;

/// `plotters` knows whole pixels only: it draws in tenths of them.
const PART: f64 = 10.0;

/// What `plotters` divides by.
const TEXT_SIZE: i32 = 124;

macro_rules! inks {
    ($($(#[$doc:meta])* $variant:ident = $class:literal,)*) => {
        /// What something is drawn for; its look is the style sheet's.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Ink { $($(#[$doc])* $variant,)* }

        impl Ink {
            const ALL: &[(Self, &'static str)] = &[$((Self::$variant, $class),)*];
        }
    };
}

inks! {
    Text = "t",
    /// Less important text.
    Muted = "t m",
    Strong = "t s",
    /// Text of the first, second and third line.
    Text1 = "t t1",
    Text2 = "t t2",
    Text3 = "t t3",
    Grid = "g",
    /// Where nothing is won or lost.
    Zero = "z",
    /// Ends of spans and other limits.
    Limit = "e",
    Line1 = "l l1",
    Line2 = "l l2",
    Line3 = "l l3",
    Band1 = "b1",
    Band2 = "b2",
    Band3 = "b3",
    /// What is there.
    Bar = "f",
    /// What is left of it.
    BarStrong = "f f1",
    /// What is lost of it.
    BarLoss = "f f2",
    /// What has been lost since.
    Fall = "f f3",
    /// Sums.
    BarTotal = "f f0",
    Whisker = "w",
    WhiskerThin = "w w1",
    DotGain = "d d1",
    DotLoss = "d d2",
    DotNone = "h",
    Dot = "d",
    WhiskerGain = "w d1",
    WhiskerLoss = "w d2",
}

impl Ink {
    fn color(self) -> RGBColor {
        RGBColor(0xfe, 0xed, self as u8)
    }
}

/// The line, band and text of the first, second and third line.
pub(super) const LINES: [(Ink, Ink, Ink); 3] = [
    (Ink::Line1, Ink::Band1, Ink::Text1),
    (Ink::Line2, Ink::Band2, Ink::Text2),
    (Ink::Line3, Ink::Band3, Ink::Text3),
];

/// A finished chart: what is inside `<svg>`, and its size in the units of that.
#[derive(Debug)]
pub(crate) struct Drawing {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) body: String,
}

/// How a text is held at its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Align {
    Left,
    Middle,
    Right,
}

pub(super) type At = (f64, f64);

/// An area to draw on, in pixels from its upper left corner.
pub(super) struct Canvas<'s> {
    area: DrawingArea<SVGBackend<'s>, Shift>,
}

/// Draws on an area of this size.
pub(super) fn draw(width: f64, height: f64, paint: impl FnOnce(&Canvas<'_>)) -> Drawing {
    let (width, height) = ((width * PART).round() as u32, (height * PART).round() as u32);
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (width, height)).into_drawing_area();
        let canvas = Canvas { area };
        paint(&canvas);
        canvas.area.present().expect(STRING);
    }
    Drawing { width, height, body: classed(&svg) }
}

const STRING: &str = "a string takes everything";

impl Canvas<'_> {
    pub(super) fn line(&self, ink: Ink, points: &[At]) {
        if points.len() > 1 {
            self.area.draw(&PathElement::new(parts(points), ink.color())).expect(STRING);
        }
    }

    pub(super) fn polygon(&self, ink: Ink, points: &[At]) {
        if points.len() > 2 {
            self.area.draw(&Polygon::new(parts(points), ink.color())).expect(STRING);
        }
    }

    /// A rectangle between two corners.
    pub(super) fn rect(&self, ink: Ink, (x0, y0): At, (x1, y1): At) {
        let corners = parts(&[(x0.min(x1), y0.min(y1)), (x0.max(x1), y0.max(y1))]);
        self.area.draw(&Rectangle::new([corners[0], corners[1]], ink.color().filled())).expect(STRING);
    }

    pub(super) fn dot(&self, ink: Ink, at: At, radius: f64) {
        let radius = (radius * PART) as i32;
        self.area.draw(&Circle::new(part(at), radius, ink.color().filled())).expect(STRING);
    }

    /// A line of text, its middle at the height of the point.
    pub(super) fn text(&self, ink: Ink, align: Align, at: At, text: &str) {
        let horizontal = match align {
            Align::Left => HPos::Left,
            Align::Middle => HPos::Center,
            Align::Right => HPos::Right,
        };
        let color = ink.color();
        let style = TextStyle::from(("f", TEXT_SIZE).into_font())
            .color(&color)
            .pos(Pos::new(horizontal, VPos::Center));
        let text = minus(&text.replace(char::is_control, " "));
        self.area.draw(&Text::new(text, part(at), style)).expect(STRING);
    }
}

fn part((x, y): At) -> (i32, i32) {
    ((x * PART).round() as i32, (y * PART).round() as i32)
}

fn parts(points: &[At]) -> Vec<(i32, i32)> {
    points.iter().copied().map(part).collect()
}

/// What is inside the `<svg>` of `plotters`, with classes for inks and without what they say.
fn classed(svg: &str) -> String {
    let body = svg.split_once('>').map_or("", |(_, body)| body);
    let mut out = body.replace("</svg>", "").replace('\n', "");
    let said = [
        r#" opacity="1""#,
        r#" stroke="none""#,
        r#" fill="none""#,
        r#" stroke-width="1""#,
        r#" font-family="f""#,
        r#" font-size="100""#,
        r#" text-anchor="start""#,
    ];
    for attribute in said {
        out = out.replace(attribute, "");
    }
    for (ink, class) in Ink::ALL {
        let RGBColor(r, g, b) = ink.color();
        for attribute in ["fill", "stroke"] {
            out = out.replace(
                &format!(r##"{attribute}="#{r:02X}{g:02X}{b:02X}""##),
                &format!(r#"class="{class}""#),
            );
        }
    }
    out.replace(r#" ""#, r#"""#)
}

/// About how wide a text is set, in pixels: system fonts differ, so rather too wide.
pub(super) fn text_width(text: &str) -> f64 {
    text.chars().map(char_width).sum()
}

fn char_width(c: char) -> f64 {
    if columns_of(c) == 2 { 12.0 } else { 7.0 }
}

/// As much of a text as fits; what is cut off is in the figures.
pub(super) fn fitted(text: &str, pixels: f64) -> String {
    if text_width(text) <= pixels {
        return text.to_owned();
    }
    let mut left = pixels - text_width("…");
    let fits = |c: &char| {
        left -= char_width(*c);
        left >= 0.0
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

/// The widest of some texts.
pub(super) fn widest<'t>(texts: impl IntoIterator<Item = &'t str>) -> f64 {
    texts.into_iter().map(text_width).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_one_line_with_proper_signs() {
        let drawing =
            draw(10.0, 10.0, |canvas| canvas.text(Ink::Text, Align::Left, (0.0, 5.0), "-5\nUSD\u{7}"));
        assert!(drawing.body.contains(">−5 USD <"), "{}", drawing.body);
    }

    #[test]
    fn nothing_of_a_drawing_is_a_colour_and_all_text_is_escaped() {
        let text = r##"</text><script>alert(1)</script> fill="#FEED00" & more"##;
        let drawing = draw(100.0, 50.0, |canvas| {
            for (ink, _) in Ink::ALL {
                canvas.line(*ink, &[(0.0, 0.0), (100.0, 50.0)]);
                canvas.rect(*ink, (1.0, 2.0), (3.0, 4.0));
                canvas.dot(*ink, (5.0, 5.0), 2.0);
                canvas.polygon(*ink, &[(0.0, 0.0), (1.0, 1.0), (0.0, 1.0)]);
                canvas.text(*ink, Align::Right, (50.0, 25.0), text);
            }
        });
        let svg = drawing.body;
        assert_eq!((drawing.width, drawing.height), (1_000, 500));
        assert!(!svg.contains("<script") && !svg.contains("http"), "{svg}");
        assert_eq!(svg.matches("#FEED").count(), svg.matches("<text").count(), "only what is written: {svg}");
        for attribute in ["stroke=", "font-", "opacity=", "fill=\"none\""] {
            assert!(!svg.contains(attribute), "{attribute}: {svg}");
        }
        assert_eq!(fitted("personal-coupon", 63.0), "personal…");
        assert_eq!(fitted("重要价值", 48.0), "重要价值");
        assert!(Ink::ALL.iter().all(|(_, class)| svg.contains(&format!(r#"class="{class}""#))));
    }
}
