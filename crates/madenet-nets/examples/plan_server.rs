//! Our side of `benches/peers/networks.py`: a process that runs a network when it is told to and waits otherwise.
//!
//! ```sh
//! cargo run --release -p madenet-nets --example plan_server -- FOLDER NAME BATCH THREADS [MEMORY]
//! ```
//!
//! FOLDER has what the example `export_onnx` writes: `NAME.weights.safetensors` and `NAME.batchBATCH.safetensors`. The first
//! line of output is `{"difference": D}`, the largest difference from the results there, relative to the largest value of
//! an output. Every line `run K` of input is answered by a line `[MS, ...]`: milliseconds of K runs. MEMORY is `speed`,
//! `balanced` (the default) or `low`, the memory that speed may cost.

mod networks;

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::PathBuf;
use std::time::Instant;

use madenet_nets::{Memory, Params, Plan, PlanOptions};
use madenet_testing::max_relative_error;
use rayon::{ThreadPool, ThreadPoolBuilder};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, name, batch, threads, memory @ ..] = arguments.as_slice() else {
        return Err("expected FOLDER NAME BATCH THREADS [MEMORY]".into());
    };
    let memory = match memory.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["speed"] => Memory::Speed,
        [] | ["balanced"] => Memory::Balanced,
        ["low"] => Memory::Low,
        _ => return Err("expected speed, balanced or low as MEMORY".into()),
    };
    let folder = PathBuf::from(folder);
    let net = networks::record(name)?;
    let weights = Params::read(folder.join(format!("{name}.weights.safetensors")))?;
    let plan = Plan::consuming(&net, weights, PlanOptions { memory, ..PlanOptions::default() })?;
    let mut tensors = Params::read(folder.join(format!("{name}.batch{batch}.safetensors")))?;
    let input = tensors.remove("input.image").ok_or("no input")?;
    let pool = ThreadPoolBuilder::new().num_threads(threads.parse()?).build()?;
    serve(&plan, input.values(), &tensors, &pool)
}

fn serve(plan: &Plan, input: &[f32], expected: &Params, pool: &ThreadPool) -> Outcome {
    let mut workspace = plan.workspace();
    let mut difference = 0.0_f64;
    for (name, _, values) in pool.install(|| plan.run(&[input], &mut workspace))?.iter() {
        let expected = expected.get(&format!("output.{name}")).ok_or("no such output")?;
        difference = difference.max(max_relative_error(values, expected.values()));
    }
    let mut out = std::io::stdout().lock();
    writeln!(out, "{{\"difference\": {difference:e}}}")?;
    for line in std::io::stdin().lock().lines() {
        let runs: usize = line?.strip_prefix("run ").ok_or("expected run K")?.parse()?;
        let mut milliseconds = Vec::with_capacity(runs);
        for _ in 0..runs {
            let start = Instant::now();
            pool.install(|| plan.run(&[input], &mut workspace).map(|_| ()))?;
            milliseconds.push(start.elapsed().as_secs_f64() * 1e3);
        }
        writeln!(out, "{milliseconds:?}")?;
    }
    Ok(())
}
