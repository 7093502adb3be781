//! Which device to compute on.

use burn::tensor::Device;

/// The environment asks for a device that this build does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("BURN_DEVICE is {asked:?}: expected one of {}", list(compiled))]
#[non_exhaustive]
pub struct DeviceError {
    /// What `BURN_DEVICE` says; empty where it is not set and the build has no device at all.
    pub asked: String,
    /// What is compiled in: the crate's features of the same names.
    pub compiled: Vec<&'static str>,
}

fn list(compiled: &[&str]) -> String {
    if compiled.is_empty() { "(no backend is compiled in)".to_owned() } else { compiled.join(", ") }
}

fn compiled() -> Vec<&'static str> {
    [
        ("cuda", cfg!(feature = "cuda")),
        ("metal", cfg!(feature = "metal")),
        ("rocm", cfg!(feature = "rocm")),
        ("vulkan", cfg!(feature = "vulkan")),
        ("wgpu", cfg!(feature = "wgpu")),
        ("cpu", cfg!(feature = "cpu")),
        ("flex", cfg!(feature = "flex")),
        ("ndarray", cfg!(feature = "ndarray")),
    ]
    .into_iter()
    .filter_map(|(name, there)| there.then_some(name))
    .collect()
}

fn check(asked: Option<&str>, compiled: Vec<&'static str>) -> Result<(), DeviceError> {
    let there = match asked {
        Some(asked) => compiled.iter().any(|name| name.eq_ignore_ascii_case(asked)),
        None => !compiled.is_empty(),
    };
    if there { Ok(()) } else { Err(DeviceError { asked: asked.unwrap_or_default().to_owned(), compiled }) }
}

/// The device that `BURN_DEVICE` names, or the best that is compiled in: `Device::default()` without its panic.
///
/// Backends that another crate switches on in Burn, and this one has no feature for, are not known here: make their devices with Burn's own functions.
///
/// # Errors
/// If `BURN_DEVICE` names a backend that is not compiled in; the error lists those that are.
///
/// ```
/// let device = metarec::recommend::device_from_env()?;
/// # Ok::<(), metarec::recommend::DeviceError>(())
/// ```
pub fn device_from_env() -> Result<Device, DeviceError> {
    let asked = std::env::var_os("BURN_DEVICE").map(|asked| asked.to_string_lossy().into_owned());
    check(asked.as_deref(), compiled())?;
    Ok(Device::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_that_is_not_there_is_an_error_that_lists_those_that_are() {
        assert_eq!(check(Some("Flex"), vec!["cuda", "flex"]), Ok(()));
        assert_eq!(check(None, vec!["flex"]), Ok(()));
        let error = check(Some("gpu"), vec!["cuda", "flex"]).unwrap_err();
        assert_eq!(error.to_string(), r#"BURN_DEVICE is "gpu": expected one of cuda, flex"#);
        assert!(check(None, Vec::new()).unwrap_err().to_string().contains("no backend"));
    }
}
