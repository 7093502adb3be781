//! Results as a picture: metric against number of shots, a line for each method.

use std::error::Error;
use std::ops::Range;
use std::path::Path;

use metarec::evaluate::ReportRow;
use plotters::prelude::*;

use crate::table::distinct;

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
const SIZE: (u32, u32) = (1120, 520);

/// Draws ranking quality and rating error side by side, each with its 95 % intervals; the line of `ours` is the thick one.
///
/// # Errors
/// If the file cannot be written.
pub fn draw(rows: &[ReportRow], ours: &str, path: &Path) -> Result<(), Box<dyn Error>> {
    let root = SVGBackend::new(path, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    let methods = distinct(rows.iter().map(|row| row.method.as_str()));
    let (left, right) = root.split_horizontally(SIZE.0 / 2);
    panel(&left, rows, (&methods, ours), ("ndcg@10", "nDCG@10, more is better"))?;
    panel(&right, rows, (&methods, ours), ("rmse", "RMSE of ratings, less is better"))?;
    root.present()?;
    Ok(())
}

fn panel(
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
    rows: &[ReportRow],
    (methods, ours): (&[&str], &str),
    (metric, title): (&str, &str),
) -> Result<(), Box<dyn Error>> {
    let rows: Vec<&ReportRow> = rows.iter().filter(|row| row.metric == metric).collect();
    let shots = distinct(rows.iter().map(|row| row.k));
    if rows.is_empty() {
        return Ok(());
    }
    // Numbers of shots stand at equal distances: 0, 1, 5, 20 would crowd on a line of numbers.
    let width = -0.3..shots.len() as f64 - 0.7;
    let mut chart = ChartBuilder::on(area)
        .caption(title, ("sans-serif", 20))
        .margin(14)
        .x_label_area_size(44)
        .y_label_area_size(54)
        .build_cartesian_2d(width, height(&rows))?;
    let label = |at: &f64| {
        let nth = at.round();
        let shots = ((at - nth).abs() < 1e-6 && nth >= 0.0).then(|| shots.get(nth as usize)).flatten();
        shots.map_or_else(String::new, ToString::to_string)
    };
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(TRANSPARENT)
        .x_labels(shots.len() + 1)
        .x_label_formatter(&label)
        .x_desc("events of the user (k)")
        .y_label_formatter(&|value| format!("{value:.2}"))
        .label_style(("sans-serif", 14))
        .draw()?;
    for (nth, &method) in methods.iter().enumerate() {
        let colour = if method == ours { OURS } else { COLOURS[nth % COLOURS.len()] };
        let stroke = colour.stroke_width(if method == ours { 3 } else { 1 });
        let shift = (nth as f64 - methods.len() as f64 / 2.0) * 0.02;
        let points: Vec<(f64, &ReportRow)> = rows
            .iter()
            .filter(|row| row.method == method)
            .filter_map(|row| Some((shots.iter().position(|&k| k == row.k)? as f64 + shift, *row)))
            .collect();
        if points.is_empty() {
            continue;
        }
        chart
            .draw_series(LineSeries::new(points.iter().map(|&(at, row)| (at, row.mean)), stroke))?
            .label(method)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], stroke));
        chart.draw_series(
            points.iter().map(|&(at, row)| ErrorBar::new_vertical(at, row.lo, row.mean, row.hi, stroke, 6)),
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
fn height(rows: &[&ReportRow]) -> Range<f64> {
    let low = rows.iter().map(|row| row.lo).fold(f64::INFINITY, f64::min);
    let high = rows.iter().map(|row| row.hi).fold(f64::NEG_INFINITY, f64::max);
    let span = (high - low).max(1e-3);
    low - 0.05 * span..high + 0.5 * span
}
