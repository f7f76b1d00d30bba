/**
 * A self-signed certificate for `localhost` and 127.0.0.1, for tests only: everyone has its key. It is valid from 2020 to
 * 2120. Committed because Node cannot make one and `openssl` is not everywhere.
 */
export const TEST_CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBejCCASGgAwIBAgIBATAKBggqhkjOPQQDAjAeMRwwGgYDVQQDDBNUcnVua2xp
bmUgdGVzdCBvbmx5MCAXDTIwMDEwMTAwMDAwMFoYDzIxMjAwMTAxMDAwMDAwWjAe
MRwwGgYDVQQDDBNUcnVua2xpbmUgdGVzdCBvbmx5MFkwEwYHKoZIzj0CAQYIKoZI
zj0DAQcDQgAE+yE9gOT1v4+D4RVYnqxW3LjJbcxLYgGQCRivO8oiIO2QtrVXwaKE
qttI8I7c0NFZ4GvD+X5+XfPMa6QGD4NynaNOMEwwGgYDVR0RBBMwEYIJbG9jYWxo
b3N0hwR/AAABMA8GA1UdEwEB/wQFMAMBAf8wHQYDVR0OBBYEFETuATZRlSDFtqKy
gLXcFmCdScqWMAoGCCqGSM49BAMCA0cAMEQCID09okImTOyNp33k9zf32w+OuVrS
NaM9iwDMqT5OA5uBAiA11lV+zPMJXk54yqcj4qqwKRcJaDbq5ZL9zX2NsW3zzw==
-----END CERTIFICATE-----
`;

export const TEST_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQggL2k7oOqS4MwjGvF
ZMRSxiz/f1VRfRCZNv/cLP0vC1+hRANCAAT7IT2A5PW/j4PhFVierFbcuMltzEti
AZAJGK87yiIg7ZC2tVfBooSq20jwjtzQ0Vnga8P5fn5d88xrpAYPg3Kd
-----END PRIVATE KEY-----
`;
