mod random;
mod rules;
mod sight;
