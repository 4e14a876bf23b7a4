//! Country codes (ISO 3166-1 alpha-2, officially assigned).

use super::super::section::Section;

const CODES: &str = "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ \
    CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE \
    GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP \
    KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF \
    NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN \
    SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA \
    ZM ZW";

/// Names and codes that people write instead.
const INSTEAD: [(&str, &str); 14] = [
    ("uk", "GB"),
    ("england", "GB"),
    ("usa", "US"),
    ("germany", "DE"),
    ("deutschland", "DE"),
    ("france", "FR"),
    ("netherlands", "NL"),
    ("norway", "NO"),
    ("sweden", "SE"),
    ("switzerland", "CH"),
    ("iceland", "IS"),
    ("canada", "CA"),
    ("japan", "JP"),
    ("eu", "the code of a country, such as BE"),
];

/// The code at `country:`, in capital letters.
pub(super) fn country(section: &Section<'_, '_>) -> Option<String> {
    let text = section.text("country")?;
    if is_country(text.text) {
        return Some(text.text.to_owned());
    }
    let upper = text.text.to_uppercase();
    let hint = if is_country(&upper) {
        format!("write {upper}, in capital letters")
    } else {
        let meant = INSTEAD.iter().find(|(name, _)| text.text.eq_ignore_ascii_case(name));
        meant.map_or_else(|| "write two capital letters, such as DE or NO".to_owned(), |(_, code)| format!("write {code}"))
    };
    section.wrong(text.span, "`country` is not a two-letter country code (ISO 3166)", "", Some(&hint));
    None
}

/// Whether this is the code of a country, in capital letters.
#[must_use]
pub fn is_country(text: &str) -> bool {
    text.len() == 2 && CODES.split_ascii_whitespace().any(|code| code == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_has_all_249_codes_in_order() {
        let codes: Vec<&str> = CODES.split_ascii_whitespace().collect();
        assert_eq!(codes.len(), 249);
        assert!(codes.is_sorted() && codes.iter().all(|code| code.len() == 2));
    }
}
