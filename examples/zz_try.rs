use metarec::baseline::*;
use metarec::data::read_dir;
use metarec::evaluate::{Method, Part, Report, UserCold};
use std::time::Instant;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let data = read_dir(&args[1]).unwrap();
    let split = data.split().unwrap();
    let protocol = UserCold::new(&data, &split).unwrap().on(Part::Valid);
    for json in &args[2..] {
        let began = Instant::now();
        let (kind, json) = json.split_at(1);
        let method: Box<dyn Method> = match kind {
            "m" => Box::new(MeLu::fit(&data, &split, &serde_json::from_str(json).unwrap()).unwrap()),
            "s" => Box::new(SasRec::fit(&data, &split, &serde_json::from_str(json).unwrap()).unwrap()),
            _ => Box::new(LightFm::fit(&data, &split, &serde_json::from_str(json).unwrap()).unwrap()),
        };
        let t = began.elapsed().as_secs_f64();
        let mut report = Report::new();
        protocol.run(method.as_ref(), &mut report).unwrap();
        for metric in ["ndcg@10", "rmse"] {
            let row: Vec<String> = protocol
                .shots()
                .iter()
                .filter_map(|&k| Some(format!("{k}:{:.4}", report.mean(method.name(), k, metric)?)))
                .collect();
            println!("{metric} {} {t:.1}s {:.1}s {json}", row.join(" "), began.elapsed().as_secs_f64());
        }
    }
}
