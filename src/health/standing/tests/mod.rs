mod mend;
mod others;
mod random;
mod rules;
mod sight;
