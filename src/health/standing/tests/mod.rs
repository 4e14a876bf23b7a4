mod mend;
mod random;
mod rules;
mod sight;
