//! A run of a [`Plan`] allocates nothing: its workspace is all that it needs.

use std::alloc::System;

use madenet_nets::{
    Builder, HrNet, Interpolation, Memory, Net, Params, Plan, PlanOptions, Pool2d, Result, Shape, conv,
    conv_transpose,
};
use rayon::ThreadPoolBuilder;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Operations that HRNet has not: joined channels that are no whole blocks, joined samples, pools, groups, upsampling.
fn odds_and_ends() -> Result<Net> {
    let mut b = Builder::new();
    let x = b.input("x", Shape::new(3, 32, 32));
    let stem = b.conv2d("stem", x, conv(24, 3, 1, 1))?;
    let stem = b.batch_norm("bn", stem)?;
    let stem = b.silu(stem)?;
    let wide = b.conv2d("wide", stem, conv(12, 3, 1, 1).with_bias())?;
    let joined = b.concat(&[stem, wide, x])?;
    let deep = b.max_pool2d(joined, Pool2d::new(2, 2, 0))?;
    let deep = b.conv2d("depthwise", deep, conv(39, 3, 1, 1).groups(39))?;
    let gate = b.global_avg_pool(deep)?;
    let gate = b.sigmoid(gate)?;
    let deep = b.multiply(deep, gate)?;
    let up = b.conv_transpose2d("up", deep, conv_transpose(16, 2, 2, 0))?;
    b.output("up", up)?;
    Ok(b.finish())
}

fn hrnet() -> Result<Net> {
    let mut b = Builder::new();
    let x = b.input("x", Shape::new(3, 64, 64));
    for tap in HrNet::W18.features(&mut b, x, Interpolation::Nearest)? {
        b.output(tap.name, tap.val)?;
    }
    Ok(b.finish())
}

#[test]
fn a_run_allocates_nothing() -> Result<()> {
    let pool = ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for net in [odds_and_ends()?, hrnet()?] {
        for memory in [Memory::Speed, Memory::Low] {
            let options = PlanOptions { memory, ..PlanOptions::default() };
            let plan = Plan::consuming(&net, Params::init(&net, 1), options)?;
            let image = vec![0.5; 2 * net.nodes()[net.inputs()[0].1].shape.len()];
            let mut workspace = plan.workspace();
            pool.install(|| {
                // Sizes the workspace.
                plan.run(&[&image], &mut workspace)?;
                let region = Region::new(ALLOCATOR);
                plan.run(&[&image], &mut workspace)?;
                assert_eq!(region.change().allocations, 0, "{memory:?}");
                Ok::<(), madenet_nets::Error>(())
            })?;
        }
    }
    Ok(())
}
