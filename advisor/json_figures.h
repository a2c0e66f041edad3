// An object of a JSON file that a user wrote, and where it stands in the file, for messages.
#pragma once

#include "render/json.h"

#include <optional>
#include <string>
#include <vector>

namespace triage::advisor {

// Figures are finite and not negative. What is wrong raises Failure (Usage) that names the place.
class Figures {
  public:
    Figures(const Json &object, std::string place);

    bool has(const char *key) const;
    std::optional<double> find(const char *key) const;
    double get(const char *key, double otherwise) const;
    double need(const char *key) const;
    double need_positive(const char *key) const;
    int count(const char *key, int otherwise) const;
    bool flag(const char *key, bool otherwise) const;
    std::string text(const char *key) const; // must be there
    std::string text(const char *key, const std::string &otherwise) const;

    Figures object(const char *key) const;
    std::vector<Figures> list(const char *key) const; // of objects; empty if it is not there
    std::vector<std::optional<double>> figures(const char *key) const; // null reads as nothing

  private:
    const Json *member(const char *key) const; // null if not there or null

    const Json *object_;
    std::string place_;
};

// Raises Failure if the text is not a JSON object.
Json parse_json_file(const std::string &text);

// "-" is standard input.
std::string read_text_file(const std::string &path);

} // namespace triage::advisor
