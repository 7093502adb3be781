//! Modules as bytes.

use burn::module::Module;
use burn::store::ModuleRecord;
use burn::tensor::Bytes;

use crate::persist::error::PersistError;

fn malformed(part: &str, source: impl std::error::Error + Send + Sync + 'static) -> PersistError {
    PersistError::Malformed { part: part.to_owned(), source: Box::new(source) }
}

/// The parameters of a module, in Burn's own format.
///
/// # Errors
/// If Burn can't write them; `part` names them in the error.
pub fn module_bytes<M: Module>(part: &str, module: &M) -> Result<Vec<u8>, PersistError> {
    let record = module.clone().into_record();
    record.into_bytes().map(|bytes| bytes.to_vec()).map_err(|source| malformed(part, source))
}

/// The module with its parameters read from bytes.
///
/// # Errors
/// If the bytes are no record, or not of a module of this shape.
pub fn module_from_bytes<M: Module>(part: &str, module: M, bytes: Vec<u8>) -> Result<M, PersistError> {
    let record = ModuleRecord::from_bytes(Bytes::from_bytes_vec(bytes)).map_err(|source| malformed(part, source))?;
    module.try_load_record(record).map_err(|source| malformed(part, source))
}
