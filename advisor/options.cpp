#include "options.h"

#include <CLI/CLI.hpp>

#include <map>

namespace triage::advisor {

void define_connection_options(CLI::App &app, Options &options) {
    const std::string group =
        "Connection options (as for psql; PG* variables, services and .pgpass apply)";
    auto &connection = options.connection;
    app.add_option("-h,--host", connection.host, "database server host or socket directory")
        ->type_name("HOSTNAME")
        ->group(group);
    app.add_option("-p,--port", connection.port, "database server port")
        ->type_name("PORT")
        ->group(group);
    app.add_option("-U,--username", connection.user, "database user name")
        ->type_name("USERNAME")
        ->group(group);
    app.add_option("-d,--dbname", connection.database,
                   "database name, connection URI or conninfo string")
        ->type_name("DBNAME")
        ->group(group);
    app.add_flag("-W,--password", connection.ask_password, "ask for the password before connecting")
        ->group(group);
    app.add_option_function<unsigned>(
           "--statement-timeout",
           [&options](const unsigned &seconds) {
               options.statement_timeout = std::chrono::seconds(seconds);
           },
           "longest time a query of this program may take (default 60; 0 is no limit)")
        ->type_name("SECONDS")
        ->check(CLI::Range(0, 86400))
        ->group(group);
}

void define_output_options(CLI::App &app, Options &options) {
    static const std::map<std::string, Format> formats = {
        {"text", Format::Text}, {"markdown", Format::Markdown}, {"json", Format::Json}};
    const std::string group = "Output options";
    app.add_option_function<std::string>(
           "--format", [&options](const std::string &name) { options.format = formats.at(name); },
           "text, markdown or json (default text)")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"text", "markdown", "json"}))
        ->group(group);
    app.add_option("-o,--output", options.output_file,
                   "write to this file, which is replaced only once all is written")
        ->type_name("FILE")
        ->group(group);
    app.add_flag("-q,--quiet", options.quiet, "no progress and no notes, only data and errors")
        ->group(group);
    app.add_flag("--no-color", options.no_color, "no colours")->group(group);
}

} // namespace triage::advisor
