#include "demo/load.h"

#include "exit_status.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace triage::advisor {

namespace {

namespace fs = std::filesystem;

std::string read_file(const fs::path &path) {
    std::ifstream stream(path, std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    return text.str();
}

void write_file(const fs::path &path, const std::string &text) {
    std::ofstream stream(path, std::ios::binary);
    stream << text;
    if (!stream.flush())
        throw Failure(ExitStatus::ActionFailed,
                      fmt::format("could not write file \"{}\"", path.string()));
}

const char *name_of(Protocol protocol) {
    return protocol == Protocol::Simple ? "simple" : "prepared";
}

} // namespace

std::vector<Workflow> read_workflows(const std::string &directory) {
    std::vector<fs::path> files;
    for (const auto &entry : fs::directory_iterator(directory))
        if (entry.path().extension() == ".sql")
            files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    std::vector<Workflow> workflows;
    for (const fs::path &file : files) {
        const auto workflow = parse_workflow(read_file(file));
        if (!workflow)
            throw Failure(ExitStatus::Usage,
                          fmt::format("\"{}\" is not a script of the load", file.string()), {},
                          "Its first line is \"-- workflow: NAME; kind: read|write; weight: N\".");
        workflows.push_back(*workflow);
    }
    if (workflows.empty())
        throw Failure(ExitStatus::Usage, fmt::format("no script of a load in \"{}\"", directory));
    return workflows;
}

Load::Load(const Installation &installation, const ThrowAwayCluster &cluster,
           std::vector<Workflow> workflows, const LoadOptions &options)
    : workflows_(std::move(workflows)) {
    start(Protocol::Simple, installation, cluster, options);
    start(Protocol::Prepared, installation, cluster, options);
}

void Load::start(Protocol protocol, const Installation &installation,
                 const ThrowAwayCluster &cluster, const LoadOptions &options) {
    const std::string directory = options.files + "/" + name_of(protocol);
    fs::create_directories(directory);
    const ConnectionOptions connection = cluster.connection(options.database);
    // Ended by us; this is only longer than anything a demo takes.
    const std::string seconds = "86400";
    std::vector<std::string> arguments = {
        installation.program("pgbench"),
        "--no-vacuum",
        "--host=" + connection.host,
        "--port=" + connection.port,
        "--username=" + options.role,
        fmt::format("--protocol={}", name_of(protocol)),
        fmt::format("--client={}", std::max(1, options.clients / 2)),
        "--time=" + seconds,
        "--define=scale=" + options.scale,
        "--log",
        "--log-prefix=" + directory + "/transactions"};
    for (std::size_t i = 0; i < workflows_.size(); i++) {
        const std::string file = fmt::format("{}/{}.sql", directory, i);
        write_file(file, script_for(protocol, workflows_[i].script));
        arguments.push_back(fmt::format("--file={}@{}", file, workflows_[i].weight));
    }
    arguments.push_back(options.database);
    sides_.push_back(
        {directory, ChildProcess({arguments, directory, directory + "/output.log", SIGTERM})});
}

void Load::check() {
    for (Side &side : sides_) {
        const std::string output = read_file(side.directory + "/output.log");
        if (side.process.poll() || output.find("error:") != std::string::npos)
            throw Failure(ExitStatus::ActionFailed, "the load stopped",
                          last_lines(side.directory + "/output.log", 8));
    }
}

void Load::end() {
    for (Side &side : sides_)
        side.process.end();
}

std::vector<Sample> Load::samples() const {
    std::vector<Sample> samples;
    for (const Side &side : sides_)
        for (const auto &entry : fs::directory_iterator(side.directory)) {
            if (!entry.path().filename().string().starts_with("transactions."))
                continue;
            std::ifstream log(entry.path());
            for (std::string line; std::getline(log, line);) {
                const bool complete = !log.eof(); // pgbench was ended in the midst of a line
                if (const auto sample = complete ? parse_sample(line) : std::nullopt)
                    samples.push_back(*sample);
            }
        }
    return samples;
}

} // namespace triage::advisor
