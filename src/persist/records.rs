//! Modules as bytes.

use std::collections::HashMap;

use burn::Tensor;
use burn::module::{Module, ModuleMapper, Param, ParamId};
use burn::store::ModuleRecord;
use burn::tensor::{Bool, Bytes, Int};

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

/// Gives parameters the ids `first`, `first + 1`, ... in the order of the module; parameters that shared an id still do.
struct Numbering {
    next: u64,
    given: HashMap<ParamId, ParamId>,
}

impl Numbering {
    fn id(&mut self, old: ParamId) -> ParamId {
        *self.given.entry(old).or_insert_with(|| {
            self.next += 1;
            ParamId::from(self.next - 1)
        })
    }
}

impl ModuleMapper for Numbering {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let (id, value, mapper) = param.consume();
        Param::from_mapped_value(self.id(id), value, mapper)
    }

    fn map_int<const D: usize>(&mut self, param: Param<Tensor<D, Int>>) -> Param<Tensor<D, Int>> {
        let (id, value, mapper) = param.consume();
        Param::from_mapped_value(self.id(id), value, mapper)
    }

    fn map_bool<const D: usize>(&mut self, param: Param<Tensor<D, Bool>>) -> Param<Tensor<D, Bool>> {
        let (id, value, mapper) = param.consume();
        Param::from_mapped_value(self.id(id), value, mapper)
    }
}

/// The module with its parameters numbered from `first` on in their order, where Burn draws their ids at random: equal weights are then equal bytes.
///
/// Not for a module that an optimizer goes on with, whose state goes by the ids.
#[must_use]
pub fn numbered<M: Module>(module: M, first: u64) -> M {
    module.map(&mut Numbering { next: first, given: HashMap::new() })
}
