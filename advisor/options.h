// The options that every command shares: where to connect, and how and where to write.
#pragma once

#include "server.h"

#include <chrono>
#include <string>

namespace CLI {
class App;
}

namespace triage::advisor {

enum class Format { Text, Markdown, Json };

struct Options {
    ConnectionOptions connection;
    std::chrono::seconds statement_timeout{60}; // 0: none
    Format format = Format::Text;
    std::string output_file; // empty: stdout
    bool quiet = false;
    bool no_color = false;
};

void define_connection_options(CLI::App &app, Options &options);
void define_output_options(CLI::App &app, Options &options);

} // namespace triage::advisor
