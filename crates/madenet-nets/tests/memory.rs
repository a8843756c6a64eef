//! The memory of a process that reads weights, makes a plan and runs it.
#![cfg(target_os = "linux")]

use std::path::Path;
use std::process::Command;

use madenet_nets::{Builder, Memory, Net, Params, Plan, PlanOptions, ResNet, Result, Shape};

/// Where the child finds the weights.
const WEIGHTS: &str = "MADENET_TEST_WEIGHTS";
/// Bytes for all but packed weights and workspace: the code, the allocator, the small tensors.
const REST: usize = 25_000_000;

fn resnet18() -> Result<Net> {
    let mut b = Builder::new();
    let x = b.input("image", Shape::new(3, 64, 64));
    for tap in ResNet::ResNet18.features(&mut b, x, &["layer4"])? {
        b.output(tap.name, tap.val)?;
    }
    Ok(b.finish())
}

/// The most memory that this process has had, in bytes.
fn peak() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<usize>().ok()? * 1024)
}

#[test]
#[ignore = "the child of the test below"]
fn child() -> Result<()> {
    let Ok(weights) = std::env::var(WEIGHTS) else { return Ok(()) };
    let net = resnet18()?;
    let options = PlanOptions { memory: Memory::Low, ..PlanOptions::default() };
    let plan = Plan::consuming(&net, Params::read(Path::new(&weights))?, options)?;
    plan.run(&[&[0.5; 3 * 64 * 64]], &mut plan.workspace())?;
    let expected = plan.weight_bytes() + plan.workspace_bytes(1) + REST;
    let peak = peak().unwrap();
    assert!(peak <= expected, "a peak of {peak} bytes, expected {expected}");
    Ok(())
}

#[test]
fn the_peak_is_that_of_packed_weights_and_workspace() -> Result<()> {
    let params = Params::init(&resnet18()?, 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("resnet18.safetensors");
    std::fs::write(&path, params.to_safetensors(None)?).unwrap();
    let done = Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--ignored", "--test-threads", "1"])
        .env(WEIGHTS, &path)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    let told = String::from_utf8_lossy(&done.stdout);
    assert!(told.contains("1 passed"), "{told}");
    Ok(())
}
