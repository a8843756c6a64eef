//! What every step of a network takes on this machine: `plan_profile NAME [THREADS] [BATCH]`.
//!
//! ```sh
//! cargo run --release -p madenet-nets --example plan_profile -- resnet18 2
//! ```

mod networks;

use std::error::Error;

use madenet_nets::{Params, Plan};
use rayon::ThreadPoolBuilder;

/// Runs of which the median is shown.
const RUNS: usize = 15;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let name = arguments.first().ok_or("expected NAME [THREADS] [BATCH]")?;
    let number = |i: usize| arguments.get(i).map_or(Ok(1), |n| n.parse::<usize>());
    let (threads, batch) = (number(1)?, number(2)?);
    let net = networks::record(name)?;
    let plan = Plan::new(&net, &Params::init(&net, 0))?;
    let image =
        vec![0.5; batch * net.inputs().iter().map(|&(_, id)| net.nodes()[id].shape.len()).sum::<usize>()];
    let pool = ThreadPoolBuilder::new().num_threads(threads).build()?;
    let mut workspace = plan.workspace();
    let mut runs = Vec::new();
    for _ in 0..RUNS {
        runs.push(pool.install(|| plan.profile(&[&image], &mut workspace))?);
    }
    let mut total = 0.0;
    for (step, (path, kernel, _)) in runs[0].iter().enumerate() {
        let mut times: Vec<f64> = runs.iter().map(|run| run[step].2.as_secs_f64() * 1e3).collect();
        times.sort_by(f64::total_cmp);
        total += times[RUNS / 2];
        println!("{:8.3} ms  {kernel:45} {path}", times[RUNS / 2]);
    }
    println!("{total:8.3} ms  the sum of the medians, {threads} threads, batch {batch}");
    println!(
        "weights {:.1} MB, workspace {:.1} MB",
        plan.weight_bytes() as f64 / 1e6,
        pool.install(|| plan.workspace_bytes(batch)) as f64 / 1e6
    );
    Ok(())
}
