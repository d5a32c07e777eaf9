#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the keys and certificates of the checks on credentials anew, into identities.h.
# They are worth nothing anywhere else.
#
#   tests/conformance/make_identities.sh > tests/conformance/identities.h
set -euo pipefail
cd "$(mktemp -d)"
trap 'rm -r "$PWD"' EXIT

cat > extensions <<'END'
[req]
distinguished_name = none
[none]
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
[leaf]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
[unsigning]
basicConstraints = critical, CA:FALSE
keyUsage = critical, keyAgreement
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
END

# Valid from 2020 to 2120, so that the checks do so for a while.
cat > authorities <<'END'
[ca]
default_ca = any
[any]
database = database
rand_serial = yes
new_certs_dir = .
default_md = sha256
policy = whatever
unique_subject = no
[whatever]
organizationName = optional
commonName = supplied
END
touch database

# key NAME ALGORITHM...; authority NAME; issue NAME BY SUBJECT EXTENSIONS [END]; own NAME SUBJECT
key() { local name=$1; shift; openssl genpkey -out "$name.key" "$@" 2>/dev/null; }
certify() {
  local name=$1 subject=$2 extensions=$3 end=$4
  shift 4
  openssl req -new -key "$name.key" -subj "$subject" -config extensions -out request
  openssl ca -batch -notext -config authorities -in request -startdate 20200101000000Z -enddate "$end" \
    -extfile extensions -extensions "$extensions" -out "$name.pem" "$@" 2>/dev/null
}
authority() { certify "$1" "/O=Weft tests/CN=$1" ca 21200101000000Z -selfsign -keyfile "$1.key"; }
issue() { certify "$1" "$3" "$4" "${5:-21200101000000Z}" -cert "$2.pem" -keyfile "$2.key"; }
own() { certify "$1" "$2" leaf 21200101000000Z -selfsign -keyfile "$1.key"; }

curve=(-algorithm EC -pkeyopt ec_paramgen_curve:P-256)
key authority "${curve[@]}"; authority authority
key other_authority "${curve[@]}"; authority other_authority
key alice -algorithm ED25519; issue alice authority "/O=Weft tests/CN=alice" leaf
key carol "${curve[@]}"; issue carol authority "/O=Weft tests/CN=carol" leaf
key mallory -algorithm ED25519; issue mallory other_authority "/O=Weft tests/CN=alice" leaf
key expired -algorithm ED25519; issue expired authority "/O=Weft tests/CN=alice" leaf 20200102000000Z
key unsigning "${curve[@]}"; issue unsigning authority "/O=Weft tests/CN=alice" unsigning
key bob -algorithm RSA -pkeyopt rsa_keygen_bits:2048; own bob "/CN=bob"
key weak -algorithm RSA -pkeyopt rsa_keygen_bits:1024; own weak "/CN=weak"

echo "/* SPDX-License-Identifier: Apache-2.0 */"
echo "/* Keys and certificates for checks, by make_identities.sh.  They are worth nothing elsewhere. */"
echo "#ifndef WEFT_TESTS_CONFORMANCE_IDENTITIES_H"
echo "#define WEFT_TESTS_CONFORMANCE_IDENTITIES_H"
text() {
  echo
  echo "#define $1 \\"
  sed 's/.*/  "&\\n" \\/; $ s/ \\$//' "$2"
}
for name in authority alice carol mallory expired unsigning bob weak; do
  text "${name^^}_CERTIFICATE" "$name.pem"
  [ "$name" = authority ] || text "${name^^}_KEY" "$name.key"
done
echo
echo "#endif /* WEFT_TESTS_CONFORMANCE_IDENTITIES_H */"
