# SPDX-License-Identifier: Apache-2.0
# What the scripts share: sourced by them, from the repository root. Bash.

# The Debian packages of the lists named that are not installed, in one line.
missing_packages() {
    local list package
    for list in "$@"; do
        while read -r package; do
            case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
            installed) ;;
            *) printf '%s ' "$package" ;;
            esac
        done <"scripts/packages/$list"
    done
}

# Runs a command as root: as it is, or through sudo.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# Installs what is missing of the lists named, after saying so; does nothing where nothing is.
install_packages() {
    local missing
    if ! command -v dpkg-query >/dev/null; then
        echo "This is no Debian system: nothing is installed. Needed are, by their Debian names:" >&2
        (cd scripts/packages && cat "$@" | tr '\n' ' ') >&2
        echo >&2
        return 0
    fi
    missing=$(missing_packages "$@")
    if [ -z "$missing" ]; then
        return 0
    fi
    echo "Installing these Debian packages: $missing" >&2
    if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
        echo "This needs root or sudo; as root: apt-get install $missing" >&2
        return 3
    fi
    as_root apt-get update -qq >&2
    # shellcheck disable=SC2086 # a list of names
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        $missing >&2
}

# Prints the Python that has a module, Debian's where another comes first; says so and fails if none has.
python_with() {
    local candidate
    for candidate in python3 /usr/bin/python3; do
        if "$candidate" -c "import $1" 2>/dev/null; then
            echo "$candidate"
            return 0
        fi
    done
    echo "skipped: no Python has the module $1 (apt-get install python3-$1)" >&2
    return 1
}

# Sets up a build folder unless it is there, and builds: build_in FOLDER [MESON OPTION]...
build_in() {
    local folder=$1
    shift
    if [ ! -f "$folder/build.ninja" ]; then
        meson setup "$folder" "$@" >"$folder.setup.log" 2>&1 || {
            cat "$folder.setup.log" >&2
            rm -f "$folder.setup.log"
            return 1
        }
        mv "$folder.setup.log" "$folder/setup.log"
    fi
    meson compile -C "$folder" >"$folder/compile.log" 2>&1 || {
        cat "$folder/compile.log" >&2
        return 1
    }
}

# Counts the results in logs of meson's tests: "N passed, N failed, N skipped".
summarize() {
    python3 - "$@" <<'PYTHON'
import json, sys
passed = failed = skipped = 0
for name in sys.argv[1:]:
    for line in open(name):
        result = json.loads(line)["result"]
        if result in ("OK", "EXPECTEDFAIL"):
            passed += 1
        elif result == "SKIP":
            skipped += 1
        else:
            failed += 1
print(f"{passed} passed, {failed} failed, {skipped} skipped")
PYTHON
}
