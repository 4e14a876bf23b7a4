//! `spartacus serve` as people and programs meet it, strangers among them.

mod abuse;
mod behind;
mod browser;
mod caddy;
mod driver;
mod killed;
mod leaving;
mod offers;
mod pages;
mod seized;
mod site;
mod traced;
mod users;
