#!/bin/sh
# Puts the runner together so that it needs nothing of the image it runs in but a kernel: Node with its own loader and
# libraries, a bash for scripts where the image has none, and the program itself.
#
#   assemble.sh DIST TARGET    DIST: what build.ts made; TARGET is what lies at /opt/redex in the image
#
# On the Debian of the base image, with patchelf, bash-static and busybox-static. NODE: another node than the first on PATH.
set -eu

dist=$1
target=$2
node=${NODE:-$(command -v node)}
# Where it lies when it runs: the loader's path in a program is absolute.
home=/opt/redex

mkdir -p "$target/bin" "$target/lib"
cp -L "$node" "$target/node"
ldd "$node" | sed -nE 's/^.* => (\/[^ ]+) .*$/\1/p; s/^[[:space:]]+(\/[^ ]+) .*$/\1/p' | while read -r library; do
  cp -L "$library" "$target/lib/"
done
loader=$(basename "$(patchelf --print-interpreter "$node")")
# DT_RPATH and not DT_RUNPATH: that comes after LD_LIBRARY_PATH, which images set for their own tools.
patchelf --set-interpreter "$home/lib/$loader" --force-rpath --set-rpath "$home/lib" "$target/node"

cp /bin/bash-static "$target/bin/bash"
cp /bin/busybox "$target/bin/mkfifo"
cp "$dist"/*.mjs "$target/"

# For images whose user is another one, and for a copy of all this into a volume of theirs.
chmod -R a+rX "$target"
chmod a+x "$target/node" "$target/bin/bash" "$target/bin/mkfifo"
