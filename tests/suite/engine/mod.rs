//! The engine from outside: pushes on targets that fail, lie, hang and compete; mirrors as readers and checks find them.

mod actor;
mod breaker;
mod health;
mod inventory;
mod probes;
mod reader;
mod refusals;
mod runs;
mod swarm;
mod world;
