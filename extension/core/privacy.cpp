#include "core/privacy.h"

#include <algorithm>
#include <array>
#include <string>

namespace triage {

namespace {

// Lower case, words separated by one underscore, with one at each end: "birthDate" ->
// "_birth_date_".
std::string words_of(std::string_view name) {
    std::string words = "_";
    char previous = '_';
    for (char c : name) {
        const bool upper = c >= 'A' && c <= 'Z';
        const bool word = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c & 0x80);
        const bool previous_lower =
            (previous >= 'a' && previous <= 'z') || (previous >= '0' && previous <= '9');
        if ((!word || (upper && previous_lower)) && words.back() != '_')
            words += '_';
        if (word)
            words += upper ? static_cast<char>(c - 'A' + 'a') : c;
        previous = c;
    }
    if (words.back() != '_')
        words += '_';
    return words;
}

// Any of these among the words of a column's name says that it identifies a person.
constexpr std::array identifying_words = {"mrn",
                                          "ssn",
                                          "nin",
                                          "npi",
                                          "dob",
                                          "birth",
                                          "birthdate",
                                          "birthday",
                                          "birthplace",
                                          "dod",
                                          "deceased_at",
                                          "death_date",
                                          "surname",
                                          "firstname",
                                          "lastname",
                                          "fullname",
                                          "nickname",
                                          "initials",
                                          "first_name",
                                          "last_name",
                                          "middle_name",
                                          "maiden_name",
                                          "family_name",
                                          "given_name",
                                          "full_name",
                                          "patient_name",
                                          "person_name",
                                          "contact_name",
                                          "guardian",
                                          "next_of_kin",
                                          "phone",
                                          "telephone",
                                          "mobile",
                                          "fax",
                                          "email",
                                          "mail",
                                          "address",
                                          "street",
                                          "city",
                                          "town",
                                          "village",
                                          "county",
                                          "zip",
                                          "zipcode",
                                          "postcode",
                                          "postal",
                                          "postal_code",
                                          "latitude",
                                          "longitude",
                                          "geolocation",
                                          "account",
                                          "iban",
                                          "passport",
                                          "licence",
                                          "license",
                                          "insurance_id",
                                          "member_id",
                                          "policy_no",
                                          "policy_number",
                                          "beneficiary",
                                          "plate",
                                          "vehicle",
                                          "vin",
                                          "serial",
                                          "serial_number",
                                          "udi",
                                          "url",
                                          "ip",
                                          "ip_address",
                                          "fingerprint",
                                          "biometric",
                                          "photo",
                                          "face",
                                          "signature",
                                          "username",
                                          "login",
                                          "medical_record",
                                          "record_number",
                                          "national_id",
                                          "patient_id",
                                          "person_id",
                                          "subject_id",
                                          "accession",
                                          "accession_number"};

} // namespace

bool may_show_values(const ColumnSecrecy &column) {
    if (!column.safe_type)
        return false;
    switch (column.label) {
    case ColumnLabel::Phi:
        return false;
    case ColumnLabel::Public:
        return true;
    case ColumnLabel::None:
        break;
    }
    return !column.names_identifier && !column.is_key && column.distinct > 0 &&
           column.distinct <= most_values_of_an_enumeration;
}

bool may_keep_value(const ColumnSecrecy &column, double sharing_rows, std::size_t printed_bytes,
                    int k) {
    // At least one row even for a k that says nothing: a value that no row has is somebody's
    // typing.
    return may_show_values(column) && sharing_rows >= std::max(k, 1) &&
           printed_bytes <= longest_kept_value;
}

bool names_identifier(std::string_view column_name) {
    const std::string words = words_of(column_name);
    if (words == "_name_" || words == "_names_")
        return true;
    return std::any_of(identifying_words.begin(), identifying_words.end(), [&](const char *word) {
        return words.find('_' + std::string(word) + '_') != std::string::npos;
    });
}

} // namespace triage
