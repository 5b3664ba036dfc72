"""SHA-1 of each script, for EVALSHA; generated from the .lua files by `make generate`."""

SHA1 = {
    "begin": "f40994923e5aec1cb2e162566cbadb4958e1d97e",
    "cancel": "c558a8408aafd23296eccc8965c41a3d36d10fb3",
    "commit": "f9f5d7b9c586a455eccba2531029eb9b5c231874",
    "dead": "f3aaceee96f78faad79f38519c7ae7584398e640",
    "groups": "343a396b729368a87c66fa0ac5ed6666cf91ab28",
    "heartbeat": "52a84b3b4a0525ad390ecc6286bfb3cfe329cc75",
    "look": "026435767a31abea9c592d600eebf07c2587c463",
    "publish": "72180dda49f3d893d95d8c2e5413dc4db63398d3",
    "register": "97fec0530f5891c047eed202cd8b795670475cdb",
    "release": "e4cab57eb6c15335d3637287556173a5c64dd22e",
    "renew": "232c92a97195a84b93b27f108a120451e7834e5f",
}
