//! Lines with intervals, as a picture of one panel for each metric.

use std::error::Error;
use std::ops::Range;
use std::path::Path;

use plotters::prelude::*;

use crate::record::{Line, Plot};

/// Colours that colour-blind readers can tell apart (Okabe and Ito, 2008); black is for ours.
const COLOURS: [RGBColor; 7] = [
    RGBColor(213, 94, 0),
    RGBColor(0, 114, 178),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(90, 90, 90),
];
const OURS: RGBColor = BLACK;
/// Of one panel.
const SIZE: (u32, u32) = (560, 520);

/// Draws the plots side by side; the line of `ours` is the thick one.
///
/// # Errors
/// If the file cannot be written.
pub fn draw(plots: &[Plot], ours: &str, path: &Path) -> Result<(), Box<dyn Error>> {
    let root = SVGBackend::new(path, (SIZE.0 * plots.len() as u32, SIZE.1)).into_drawing_area();
    root.fill(&WHITE)?;
    for (area, plot) in root.split_evenly((1, plots.len())).iter().zip(plots) {
        panel(area, plot, ours)?;
    }
    root.present()?;
    Ok(())
}

fn panel(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    plot: &Plot,
    ours: &str,
) -> Result<(), Box<dyn Error>> {
    let mut places: Vec<&str> = Vec::new();
    for point in plot.lines.iter().flat_map(|line| &line.points) {
        if !places.contains(&point.x.as_str()) {
            places.push(&point.x);
        }
    }
    if places.is_empty() {
        return Ok(());
    }
    // Places stand at equal distances: 0, 1, 5, 20 would crowd on a line of numbers.
    let width = -0.3..places.len() as f64 - 0.7;
    let mut chart = ChartBuilder::on(area)
        .caption(&plot.caption, ("sans-serif", 20))
        .margin(14)
        .x_label_area_size(44)
        .y_label_area_size(54)
        .build_cartesian_2d(width, height(&plot.lines))?;
    let label = |at: &f64| {
        let nth = at.round();
        let place = ((at - nth).abs() < 1e-6 && nth >= 0.0).then(|| places.get(nth as usize)).flatten();
        place.map_or_else(String::new, ToString::to_string)
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .x_labels(places.len() + 1)
        .x_label_formatter(&label)
        .x_desc(&plot.x)
        .y_desc(&plot.y)
        .y_label_formatter(&|value| format!("{value:.2}"))
        .label_style(("sans-serif", 14))
        .draw()?;
    for (nth, line) in plot.lines.iter().enumerate() {
        let colour = if line.name == ours { OURS } else { COLOURS[nth % COLOURS.len()] };
        let stroke = colour.stroke_width(if line.name == ours { 3 } else { 1 });
        let shift = (nth as f64 - plot.lines.len() as f64 / 2.0) * 0.02;
        let at = |x: &str| places.iter().position(|place| *place == x).unwrap_or(0) as f64 + shift;
        chart
            .draw_series(LineSeries::new(line.points.iter().map(|point| (at(&point.x), point.y)), stroke))?
            .label(&line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], stroke));
        let bars = line.points.iter();
        chart.draw_series(
            bars.map(|point| ErrorBar::new_vertical(at(&point.x), point.lo, point.y, point.hi, stroke, 6)),
        )?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.85))
        .border_style(RGBColor(190, 190, 190))
        .label_font(("sans-serif", 14))
        .draw()?;
    Ok(())
}

/// All intervals, with room above them for the legend.
fn height(lines: &[Line]) -> Range<f64> {
    let points = || lines.iter().flat_map(|line| &line.points);
    let low = points().map(|point| point.lo).fold(f64::INFINITY, f64::min);
    let high = points().map(|point| point.hi).fold(f64::NEG_INFINITY, f64::max);
    let span = (high - low).max(1e-3);
    low - 0.05 * span..high + 0.5 * span
}
