"""SHA-1 of each script, for EVALSHA; generated from the .lua files by `make generate`."""

SHA1 = {
    "begin": "2267358f2cc1392d591e18b28779d82e1e33c2d2",
    "cancel": "c558a8408aafd23296eccc8965c41a3d36d10fb3",
    "commit": "0a40fbcf22f0615d1ee046b80f8993772684af1f",
    "dead": "9bea2db43cbf4adaa46bce10f522174afa8af296",
    "groups": "0c833cb680e555c2397ac54a526900208e9d43c5",
    "heartbeat": "52a84b3b4a0525ad390ecc6286bfb3cfe329cc75",
    "look": "0279a1012ea88ff2ac3e728c8ab8eaebaf05e84e",
    "publish": "0d1c89437e8c39a82e2d299bcfb77427b7c86824",
    "register": "2cc2555f0e1fbb3aea019d33234bed952d5e1bf5",
    "release": "f010b225b663447210f96931666409959417c068",
    "renew": "2ee1a07314abd4f7f9c46893fb37be388e842536",
}
