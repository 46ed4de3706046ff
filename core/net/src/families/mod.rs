//! The families of networks as published, layer by layer.

pub(crate) mod build;
pub(crate) mod builder;
pub(crate) mod lenet;
pub(crate) mod mobilenet;
pub(crate) mod resnet;
pub(crate) mod vgg;
pub(crate) mod wrn;
